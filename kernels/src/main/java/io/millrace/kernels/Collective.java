package io.millrace.kernels;

/**
 * Sum and exchange between the ranks of a plan, in fixed rank order. Every rank calls each method, also with zero tokens, in the same
 * order. Rank r is in group {@code r / tp}; a group's ranks hold the same rows. Thread: the rank's;
 * {@link #abandon} from any.
 */
public interface Collective {
    /** Replaces x on every rank of the group by the sum over its ranks, added in rank order in f32. x [T, ·] f32. */
    void allReduce(Tensor x);

    /**
     * Fills in the columns that the group's other ranks have computed. {@code x} must stay until the group's next all-reduce.
     *
     * @param x [S, N] f32; the r-th rank of a group has filled the r-th N / tp columns
     */
    void gatherColumns(Tensor x);

    /**
     * Brings the rows of all groups, one group's behind the other's, to the ranks that hold their experts. {@code x} and
     * {@code expertIds} must stay until {@link #collect} was called; what arrives stays until the next dispatch.
     *
     * @param outX [ΣT, D]; a row none of whose experts is here is left as it is
     * @param out its ids [ΣT, K] are filled; as many experts as its offsets are for are here, rank r's behind rank r − 1's
     * @param x [T, D]
     * @param expertIds [T, K] i32
     * @param groups T of each group, ΣT in all; the same on all ranks
     */
    void dispatch(Fp8Activations outX, Routing out, Fp8Activations x, Tensor expertIds, GroupRows groups);

    /**
     * As {@link Ops#combine}, but a pair's row lies on the rank that holds its expert: the same bits as of one rank with all experts.
     * {@code expertOut} and the rows of {@code arrived} must stay until the next dispatch.
     *
     * @param out [T, D] f32
     * @param expertOut [·, D] f32, in the expert order of {@code arrived}
     * @param arrived what {@link #dispatch} filled, its pairs listed
     * @param chosen ids and weights [T, K] of this group's rows
     * @param shared [T, D] f32
     * @param groups as in {@link #dispatch}
     */
    void collect(Tensor out, Tensor expertOut, Routing arrived, Routing chosen, Tensor shared, GroupRows groups);

    /** Makes all ranks' waiting and later calls fail with a {@link DeviceException}, because one of them won't come. For good. */
    void abandon();
}
