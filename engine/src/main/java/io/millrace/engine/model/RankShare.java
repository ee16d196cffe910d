package io.millrace.engine.model;

import io.millrace.kernels.ParallelPlan;

/**
 * What of a model one rank of a {@link ParallelPlan} computes and holds. The ranks of a group share heads and the columns of dense and
 * shared MLPs and the vocabulary, and have the same rows; all ranks share the routed experts: {@code ep} neighbouring ranges, each of whose experts'
 * columns are shared by {@link ParallelPlan#expertTp()} ranks. Norms, router and latent projections are on every rank. Immutable; any thread.
 *
 * @param rank 0 … ranks − 1, in group {@code rank / tp}
 */
record RankShare(ModelConfig config, ParallelPlan plan, int rank) {
    private static final String EXPERTS = ".mlp.experts.";

    /** Neighbours among heads, rows, columns or experts. */
    record Range(int first, int count) {
        private static Range of(int total, int parts, int part) {
            return new Range(total / parts * part, total / parts);
        }

        /** Returns the rows or columns of a matrix in which each of these has so many. */
        Range times(int ofEach) {
            return new Range(first * ofEach, count * ofEach);
        }
    }

    /** Checks the rank. */
    RankShare {
        if (rank < 0 || rank >= plan.numRanks()) {
            throw new IllegalArgumentException("rank " + rank + " of " + plan + " with " + plan.numRanks() + " ranks");
        }
    }

    /** Returns the share of the only rank: everything. */
    static RankShare whole(ModelConfig config) {
        return new RankShare(config, ParallelPlan.SINGLE, 0);
    }

    /** Returns the group whose requests this rank attends to. */
    int group() {
        return plan.dp() == 1 ? 0 : rank / plan.tp();
    }

    private Range ofGroup(int total) {
        return Range.of(total, plan.tp(), rank % plan.tp());
    }

    Range heads() {
        return ofGroup(config.numAttentionHeads());
    }

    /** Returns the ids whose embeddings and logits this rank has. */
    Range vocabulary() {
        return ofGroup(config.vocabSize());
    }

    Range denseColumns() {
        return ofGroup(config.intermediateSize());
    }

    Range sharedColumns() {
        return ofGroup(config.sharedIntermediateSize());
    }

    /** Returns the ids of this rank's routed experts. */
    Range experts() {
        return Range.of(config.nRoutedExperts(), plan.ep(), rank / plan.expertTp());
    }

    /** Returns whether the rank reads a tensor of the checkpoint: all but other ranks' experts. */
    boolean reads(String tensorName) {
        int at = tensorName.indexOf(EXPERTS);
        if (at < 0) {
            return true;
        }
        int from = at + EXPERTS.length();
        int id = Integer.parseInt(tensorName.substring(from, tensorName.indexOf('.', from)));
        return id >= experts().first() && id < experts().first() + experts().count();
    }

    /** Returns this rank's columns of each of its experts. */
    Range expertColumns() {
        return Range.of(config.moeIntermediateSize(), plan.expertTp(), rank % plan.expertTp());
    }

    /** Returns the most pairs of so many tokens with experts of this rank. */
    long maxPairs(long tokens) {
        return tokens * Math.min(config.numExpertsPerTok(), experts().count());
    }

    /** Returns whether the rows of other groups meet this rank's experts. */
    boolean isExchanging() {
        return plan.dp() > 1;
    }
}
