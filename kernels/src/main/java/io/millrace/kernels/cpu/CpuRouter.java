package io.millrace.kernels.cpu;

import io.millrace.kernels.RouterSpec;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.cpu.simd.Lanes;
import java.util.Arrays;

/**
 * Chooses experts (DeepSeek-V3 §2.1.2): scores by sigmoid or softmax; the bias counts for the choice only; groups are kept by the
 * sum of their two best; lower ids win ties. Rows in parallel, then the pairs are listed in expert order. Thread: the rank's.
 */
final class CpuRouter implements WorkerPool.Work {
    private static final int MIN_THREAD_ELEMENTS = 1 << 11;
    /** Keeps the division finite when all chosen scores are 0 (as the published modelling code does). */
    private static final float TINY = 1e-20f;

    private final Lanes lanes;
    private final WorkerPool pool;
    private final Scratch[] scratch;

    private CpuTensor logits = CpuTensor.EMPTY;
    private CpuTensor bias = CpuTensor.EMPTY;
    private CpuTensor expertIds = CpuTensor.EMPTY;
    private CpuTensor weights = CpuTensor.EMPTY;
    private RouterSpec spec = new RouterSpec(1, 1, 1, 1, true, true, 1);
    private int[] next = {};

    CpuRouter(Lanes lanes, WorkerPool pool) {
        this.lanes = lanes;
        this.pool = pool;
        scratch = new Scratch[pool.numThreads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    void route(Routing out, Tensor logitsTensor, Tensor biasTensor, RouterSpec newSpec) {
        logits = Shapes.cpu(logitsTensor);
        bias = Shapes.cpu(biasTensor);
        expertIds = Shapes.cpu(out.expertIds());
        weights = Shapes.cpu(out.weights());
        spec = newSpec;
        int experts = spec.numExperts();
        Shapes.equal("route: columns of logits", logits.cols(), experts);
        Shapes.equal("route: elements of bias", bias.rows() * bias.cols(), experts);
        Shapes.equal("route: columns of expertIds", expertIds.cols(), spec.numExpertsPerTok());
        Shapes.equal("route: columns of weights", weights.cols(), spec.numExpertsPerTok());
        Shapes.atLeast("route: rows of expertIds", expertIds.rows(), logits.rows());
        Shapes.atLeast("route: rows of weights", weights.rows(), logits.rows());
        for (Scratch s : scratch) {
            s.reserve(experts, spec.nGroup());
        }
        pool.run(this, logits.numRows(), Math.max(1, MIN_THREAD_ELEMENTS / experts));
    }

    @Override
    public void run(int from, int to, int worker) {
        for (int t = from; t < to; t++) {
            routeRow(t, scratch[worker]);
        }
    }

    private void routeRow(int t, Scratch s) {
        int experts = spec.numExperts();
        int[] ids = expertIds.i32();
        int idsAt = expertIds.at(t);
        float[] w = weights.f32();
        int weightsAt = weights.at(t);
        float max = lanes.max(logits.f32(), logits.at(t), experts);
        if (Float.isNaN(max)) {
            Arrays.fill(ids, idsAt, idsAt + spec.numExpertsPerTok(), -1);
            Arrays.fill(w, weightsAt, weightsAt + spec.numExpertsPerTok(), 0);
            return;
        }
        score(t, max, s);
        for (int e = 0; e < experts; e++) {
            s.choice[e] = s.scores[e] + bias.f32()[bias.at(0) + (bias.numCols() == 1 ? e * bias.stride() : e)];
        }
        Arrays.fill(s.isOpen, 0, experts, spec.topkGroup() == spec.nGroup());
        if (spec.topkGroup() < spec.nGroup()) {
            openGroups(s);
        }
        Arrays.fill(s.isChosen, 0, experts, false);
        for (int k = 0; k < spec.numExpertsPerTok(); k++) {
            s.chooseBest(experts);
        }
        float sum = 0;
        int count = 0;
        for (int e = 0; e < experts; e++) {
            if (s.isChosen[e]) {
                ids[idsAt + count] = e;
                w[weightsAt + count++] = s.scores[e];
                sum += s.scores[e];
            }
        }
        for (int k = weightsAt; k < weightsAt + count; k++) {
            w[k] = (spec.normTopkProb() ? w[k] / (sum + TINY) : w[k]) * spec.routedScalingFactor();
        }
    }

    private void score(int t, float max, Scratch s) {
        int experts = spec.numExperts();
        if (spec.isSigmoid()) {
            lanes.expNegated(s.scores, 0, logits.f32(), logits.at(t), experts);
            for (int e = 0; e < experts; e++) {
                s.scores[e] = 1f / (1f + s.scores[e]);
            }
        } else {
            lanes.expMinus(s.scores, 0, logits.f32(), logits.at(t), experts, max);
            float sum = lanes.sum(s.scores, 0, experts, s.lanes);
            for (int e = 0; e < experts; e++) {
                s.scores[e] /= sum;
            }
        }
    }

    private void openGroups(Scratch s) {
        int groupExperts = spec.numExperts() / spec.nGroup();
        for (int g = 0; g < spec.nGroup(); g++) {
            s.groupScores[g] = sumOfTwoBest(s.choice, g * groupExperts, groupExperts);
        }
        for (int k = 0; k < spec.topkGroup(); k++) {
            int best = -1;
            for (int g = 0; g < spec.nGroup(); g++) {
                if (!s.isOpen[g * groupExperts] && (best < 0 || s.groupScores[g] > s.groupScores[best])) {
                    best = g;
                }
            }
            Arrays.fill(s.isOpen, best * groupExperts, (best + 1) * groupExperts, true);
        }
    }

    private static float sumOfTwoBest(float[] values, int from, int count) {
        float first = values[from];
        float second = Float.NEGATIVE_INFINITY;
        for (int i = from + 1; i < from + count; i++) {
            if (values[i] > first) {
                second = first;
                first = values[i];
            } else if (values[i] > second) {
                second = values[i];
            }
        }
        return count == 1 ? first : first + second;
    }

    /** Counting sort of the pairs by expert; tokens stay in order within one. */
    void listPairs(Routing out, int firstExpert) {
        CpuTensor ids = Shapes.cpu(out.expertIds());
        CpuTensor offsets = Shapes.cpu(out.offsets());
        CpuTensor pairTokens = Shapes.cpu(out.pairTokens());
        CpuTensor pairRows = Shapes.cpu(out.pairRows());
        int experts = offsets.numRows() - 1;
        int topK = ids.numCols();
        int rows = ids.numRows();
        Shapes.atLeast("listPairs: length of pairTokens", pairTokens.rows(), (long) rows * Math.min(topK, experts));
        Shapes.atLeast("listPairs: rows of pairRows", pairRows.rows(), rows);
        Shapes.equal("listPairs: columns of pairRows", pairRows.cols(), topK);
        if (next.length < experts + 1) {
            next = new int[experts + 1];
        }
        Arrays.fill(next, 0);
        for (int t = 0; t < rows; t++) {
            for (int k = 0; k < topK; k++) {
                next[local(ids, t, k, firstExpert, experts) + 1]++; // −1 counts at 0, where nothing else does
            }
        }
        next[0] = 0;
        offsets.i32()[offsets.at(0)] = 0;
        for (int e = 0; e < experts; e++) {
            next[e + 1] += next[e];
            offsets.i32()[offsets.at(e + 1)] = next[e + 1];
        }
        for (int t = 0; t < rows; t++) {
            for (int k = 0; k < topK; k++) {
                int expert = local(ids, t, k, firstExpert, experts);
                int row = expert < 0 ? -1 : next[expert]++;
                pairRows.i32()[pairRows.at(t) + k] = row;
                if (row >= 0) {
                    pairTokens.i32()[pairTokens.at(row)] = t;
                }
            }
        }
    }

    /** Returns which of the experts from {@code firstExpert} on a pair's is, −1 if none. */
    private static int local(CpuTensor ids, int t, int k, int firstExpert, int experts) {
        int expert = ids.i32()[ids.at(t) + k] - firstExpert;
        return expert >= 0 && expert < experts ? expert : -1;
    }

    /** One worker's state of a row. */
    private static final class Scratch {
        final float[] lanes = new float[Lanes.SUM_LANES];
        float[] scores = {};
        float[] choice = {};
        float[] groupScores = {};
        boolean[] isOpen = {};
        boolean[] isChosen = {};

        void reserve(int experts, int groups) {
            if (scores.length < experts) {
                scores = new float[experts];
                choice = new float[experts];
                isOpen = new boolean[experts];
                isChosen = new boolean[experts];
            }
            if (groupScores.length < groups) {
                groupScores = new float[groups];
            }
        }

        /** Marks the best open expert that isn't chosen yet; the lowest id of equals. */
        void chooseBest(int experts) {
            int best = -1;
            for (int e = 0; e < experts; e++) {
                if (isOpen[e] && !isChosen[e] && (best < 0 || choice[e] > choice[best])) {
                    best = e;
                }
            }
            isChosen[best] = true;
        }
    }
}
