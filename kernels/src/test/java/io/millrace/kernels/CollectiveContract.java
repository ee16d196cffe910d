package io.millrace.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What every back end's {@link Collective} does: the bits of plain loops, and of one rank with all experts. */
public abstract class CollectiveContract {
    private static final int DIM = 200;
    private static final RouterSpec SPEC = new RouterSpec(16, 4, 4, 2, true, true, 2.5f);

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Backend backend = open();

    /** Makes the back end; closed after each test. */
    protected abstract Backend open();

    @AfterEach
    void close() {
        backend.close();
        threads.shutdownNow();
    }

    private <T> List<T> onEach(List<Rank> ranks, Function<Rank, T> task) throws Exception {
        List<Future<T>> futures = new ArrayList<>();
        for (Rank rank : ranks) {
            futures.add(threads.submit(() -> task.apply(rank)));
        }
        List<T> results = new ArrayList<>();
        for (Future<T> f : futures) {
            results.add(f.get());
        }
        return results;
    }

    @ParameterizedTest
    @CsvSource({"2, 1", "4, 8"})
    void gatheredColumnsAreThoseThatTheirRanksFilled(int tp, int ep) throws Exception {
        List<Rank> ranks = backend.open(new ParallelPlan(tp, ep, ep > tp));
        int part = 75;
        int rows = 5;
        List<float[]> gathered = onEach(ranks, rank -> {
            Tensor t = Inputs.tensor(rank.device(), values(rank.index(), rows, tp * part), rows, tp * part);
            rank.collective().gatherColumns(t);
            float[] result = Inputs.floats(rank.device(), t);
            rank.collective().allReduce(t); // until then the others may still read
            return result;
        });
        for (Rank rank : ranks) {
            float[] expected = new float[rows * tp * part];
            for (int r = 0; r < tp; r++) {
                float[] x = values(rank.index() / tp * tp + r, rows, tp * part);
                for (int row = 0; row < rows; row++) {
                    int at = (row * tp + r) * part;
                    System.arraycopy(x, at, expected, at, part);
                }
            }
            BitsAssert.assertSameBits("rank " + rank.index(), gathered.get(rank.index()), expected, tp * part);
        }
    }

    /** Each rank's part of a table gives zeros for the others' ids, so the sum is the table's rows. */
    @Test
    void partsOfATableAddUpToItsRows() throws Exception {
        List<Rank> ranks = backend.open(new ParallelPlan(4, 1, false));
        int part = 3;
        int[] ids = {0, 11, 5, 2, 3, 8};
        float[] table = values(0, 4 * part, DIM);
        List<float[]> sums = onEach(ranks, rank -> {
            Device device = rank.device();
            int first = rank.index() * part;
            Tensor own = Inputs.tensor(device, Inputs.rows(table, first, first + part, DIM), part, DIM);
            Tensor idTensor = device.allocate(DType.I32, ids.length);
            device.write(idTensor, ids, ids.length);
            Tensor out = Inputs.tensor(device, values(9, ids.length, DIM), ids.length, DIM);
            rank.ops().embed(out, own, idTensor, first, 4L * part);
            rank.collective().allReduce(out);
            return Inputs.floats(device, out);
        });
        for (float[] sum : sums) {
            for (int t = 0; t < ids.length; t++) {
                BitsAssert.assertSameBits(
                        "id " + ids[t],
                        Inputs.rows(sum, t, t + 1, DIM),
                        Inputs.rows(table, ids[t], ids[t] + 1, DIM),
                        DIM);
            }
        }
    }

    private static float[] values(int rank, int rows, int cols) {
        return Inputs.floats(new SplittableRandom(rank + 1000L * rows), rows * cols);
    }

    @ParameterizedTest
    @CsvSource({"3, 1", "2, 4", "8, 8"})
    void allReduceAddsAGroupInRankOrderAgainAndAgain(int tp, int ep) throws Exception {
        List<Rank> ranks = backend.open(new ParallelPlan(tp, ep, ep > tp));
        int cols = 33;
        for (int rows : new int[] {1, 2, 70, 0, 5}) {
            List<float[]> sums = onEach(ranks, rank -> {
                Tensor t = Inputs.tensor(rank.device(), values(rank.index(), rows, cols), rows, cols);
                rank.collective().allReduce(t);
                return Inputs.floats(rank.device(), t);
            });
            for (Rank rank : ranks) {
                float[] expected = values(rank.index() / tp * tp, rows, cols);
                for (int r = 1; r < tp; r++) {
                    float[] x = values(rank.index() / tp * tp + r, rows, cols);
                    for (int i = 0; i < x.length; i++) {
                        expected[i] += x[i];
                    }
                }
                BitsAssert.assertSameBits(rows + " rows, " + rank.index(), sums.get(rank.index()), expected, cols);
            }
        }
    }

    /** Rows of groups travel to the experts' ranks and back; an "expert" of id e multiplies by e. */
    @ParameterizedTest
    @CsvSource({"1, 2", "1, 8", "2, 4", "4, 8"})
    void rowsComeBackWithTheBitsOfOneRank(int tp, int ep) throws Exception {
        ParallelPlan plan = new ParallelPlan(tp, ep, true);
        List<Rank> ranks = backend.open(plan);
        int[][] steps = {{3, 0, 9, 1, 40, 0, 2, 5}, {0, 0, 0, 0, 0, 0, 0, 1}, {1, 1, 1, 1, 1, 1, 1, 1}};
        List<Buffers> buffers = onEach(ranks, rank -> new Buffers(rank.device(), plan));
        for (int[] step : steps) {
            GroupRows groups = GroupRows.of(Arrays.copyOf(step, plan.dp()));
            List<float[]> results =
                    onEach(ranks, rank -> buffers.get(rank.index()).exchange(rank, plan, groups));
            for (Rank rank : ranks) {
                int group = rank.index() / tp;
                float[] expected = threads.submit(() -> alone(rank, group, groups.rows(group)))
                        .get();
                BitsAssert.assertSameBits("rank " + rank.index(), results.get(rank.index()), expected, DIM);
            }
        }
    }

    private static float[] logits(int group, int rows) {
        return values(100 + group, rows, SPEC.numExperts());
    }

    /** What one rank with all experts makes of a group's rows. */
    private static float[] alone(Rank rank, int group, int rows) {
        Device device = rank.device();
        Routing routing = RouteCase.allocate(device, rows, SPEC);
        Tensor bias = device.allocate(DType.F32, SPEC.numExperts());
        rank.ops().route(routing, Inputs.tensor(device, logits(group, rows), rows, SPEC.numExperts()), bias, SPEC);
        rank.ops().listPairs(routing, 0);
        int[] ids = Inputs.ints(device, routing.expertIds());
        int[] pairRows = Inputs.ints(device, routing.pairRows());
        float[] x = values(group, rows, DIM);
        float[] expertOut = new float[rows * SPEC.numExpertsPerTok() * DIM];
        for (int i = 0; i < ids.length; i++) {
            for (int c = 0; c < DIM; c++) {
                expertOut[pairRows[i] * DIM + c] = ids[i] * x[i / SPEC.numExpertsPerTok() * DIM + c];
            }
        }
        Tensor out = device.allocate(DType.F32, rows, DIM);
        Tensor experts = Inputs.tensor(device, expertOut, (long) rows * SPEC.numExpertsPerTok(), DIM);
        rank.ops().combine(out, experts, routing, Inputs.tensor(device, values(50 + group, rows, DIM), rows, DIM));
        return Inputs.floats(device, out);
    }

    /** One rank's memory, the same for all steps. */
    private static final class Buffers {
        private static final int MAX_ROWS = 40;

        final Routing chosen;
        final Routing arrived;
        final Fp8Activations x;
        final Fp8Activations arrivedX;
        final Tensor bias;
        final Tensor expertOut;
        final Tensor out;

        Buffers(Device device, ParallelPlan plan) {
            int k = SPEC.numExpertsPerTok();
            int experts = SPEC.numExperts() / plan.ep();
            long all = (long) MAX_ROWS * plan.dp();
            chosen = RouteCase.allocate(device, MAX_ROWS, SPEC);
            arrived = new Routing(
                    device.allocate(DType.I32, all, k),
                    device.allocate(DType.F32, all, k),
                    device.allocate(DType.I32, experts + 1L),
                    device.allocate(DType.I32, all * k),
                    device.allocate(DType.I32, all, k));
            x = device.allocateActivations(MAX_ROWS, DIM);
            arrivedX = device.allocateActivations(all, DIM);
            bias = device.allocate(DType.F32, SPEC.numExperts());
            expertOut = device.allocate(DType.F32, all * k, DIM);
            out = device.allocate(DType.F32, MAX_ROWS, DIM);
        }

        float[] exchange(Rank rank, ParallelPlan plan, GroupRows groups) {
            Device device = rank.device();
            int group = rank.index() / plan.tp();
            int rows = groups.rows(group);
            Routing own = rows(chosen, rows);
            Routing all = rows(arrived, groups.total());
            Tensor logits = Inputs.tensor(device, logits(group, rows), rows, SPEC.numExperts());
            rank.ops().route(own, logits, bias, SPEC);
            rank.ops().quantize(x.firstRows(rows), Inputs.tensor(device, values(group, rows, DIM), rows, DIM));
            rank.collective()
                    .dispatch(arrivedX.firstRows(groups.total()), all, x.firstRows(rows), own.expertIds(), groups);
            int experts = (int) arrived.offsets().rows() - 1;
            rank.ops().listPairs(all, rank.index() * experts);
            multiply(device, all, rank.index() * experts, groups);
            Tensor shared = Inputs.tensor(device, values(50 + group, rows, DIM), rows, DIM);
            rank.collective().collect(out.firstRows(rows), expertOut, all, own, shared, groups);
            return Inputs.floats(device, out.firstRows(rows));
        }

        private static Routing rows(Routing r, int rows) {
            return new Routing(
                    r.expertIds().firstRows(rows),
                    r.weights().firstRows(rows),
                    r.offsets(),
                    r.pairTokens(),
                    r.pairRows().firstRows(rows));
        }

        private void multiply(Device device, Routing all, int firstExpert, GroupRows groups) {
            int[] offsets = Inputs.ints(device, all.offsets());
            int[] tokens = Inputs.ints(device, all.pairTokens());
            float[] outputs = new float[(int) expertOut.rows() * DIM];
            for (int e = 0; e + 1 < offsets.length; e++) {
                for (int row = offsets[e]; row < offsets[e + 1]; row++) {
                    int group = 0;
                    while (tokens[row] >= groups.first(group) + groups.rows(group)) {
                        group++;
                    }
                    float[] values = values(group, groups.rows(group), DIM);
                    for (int c = 0; c < DIM; c++) {
                        outputs[row * DIM + c] =
                                (firstExpert + e) * values[(tokens[row] - groups.first(group)) * DIM + c];
                    }
                }
            }
            device.write(expertOut, outputs, outputs.length);
        }
    }

    @Test
    void aCapturedSumCanBeReplayed() throws Exception {
        List<Rank> ranks = backend.open(new ParallelPlan(4, 1, false));
        int rows = 7;
        List<List<float[]>> sums = onEach(ranks, rank -> {
            Tensor t = Inputs.tensor(rank.device(), values(0, rows, DIM), rows, DIM);
            rank.collective().allReduce(t); // the ranks tell each other where their tensors are
            CapturedStep step = rank.device().capture(() -> rank.collective().allReduce(t));
            List<float[]> results = new ArrayList<>();
            for (int replay = 0; replay < 3; replay++) {
                rank.device().write(t, values(rank.index() + 10 * replay, rows, DIM), rows * DIM);
                step.replay();
                results.add(Inputs.floats(rank.device(), t));
            }
            return results;
        });
        for (int replay = 0; replay < 3; replay++) {
            float[] expected = values(10 * replay, rows, DIM);
            for (int r = 1; r < 4; r++) {
                float[] x = values(r + 10 * replay, rows, DIM);
                for (int i = 0; i < x.length; i++) {
                    expected[i] += x[i];
                }
            }
            for (List<float[]> ofRank : sums) {
                BitsAssert.assertSameBits("replay " + replay, ofRank.get(replay), expected, DIM);
            }
        }
    }

    @Test
    void abandoningWakesARankThatWaits() throws InterruptedException {
        List<Rank> ranks = backend.open(new ParallelPlan(2, 1, false));
        Rank rank = ranks.get(0);
        Tensor t = Inputs.tensor(rank.device(), new float[4], 2, 2);
        Future<?> waiting = threads.submit(() -> {
            rank.collective().allReduce(t);
            Inputs.floats(rank.device(), t);
        });
        Thread.sleep(20);
        ranks.get(1).collective().abandon();
        assertThatThrownBy(waiting::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(DeviceException.class)
                .hasMessageContaining("another rank failed");
    }

    @Test
    void aSingleRankKeepsItsNumbers() {
        Rank rank = backend.open(ParallelPlan.SINGLE).get(0);
        Tensor t = Inputs.tensor(rank.device(), new float[] {1, 2}, 1, 2);
        rank.collective().allReduce(t);
        assertThat(Inputs.floats(rank.device(), t)).containsExactly(1, 2);
    }
}
