package io.millrace.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * {@link Ops#route} and {@link Ops#combine}: rows are routed, "expert output" of pair (t, e) is a known function of t and e, and the
 * combined row is the result.
 */
public final class RouteCase implements OpCase {
    private static final int DIM = 20;

    private final RouterSpec spec;
    private final int rows;
    private final float[] logits;
    private final float[] bias;
    private final float[] shared;

    /** Makes a case. */
    public RouteCase(int rows, RouterSpec spec) {
        SplittableRandom random = new SplittableRandom(rows + 100L * spec.numExperts());
        this.rows = rows;
        this.spec = spec;
        logits = Inputs.floats(random, rows * spec.numExperts());
        for (int i = 0; i < logits.length; i++) {
            logits[i] = Math.round(logits[i] * 16) / 8f; // coarse: ties are common
        }
        bias = new float[spec.numExperts()];
        if (spec.isSigmoid()) {
            for (int e = 0; e < bias.length; e++) {
                bias[e] = (e % 5 - 2) / 8f; // some groups go negative
            }
        }
        shared = Inputs.floats(random, rows * DIM);
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int cols() {
        return DIM;
    }

    private static float expertOutput(int token, int expert, int column) {
        return ((token * 31 + expert * 7 + column * 3) % 64 - 32) / 32f;
    }

    @Override
    public float[] run(Rank rank, int from, int to) {
        Device device = rank.device();
        int count = to - from;
        Routing routing = allocate(device, count, spec);
        Tensor part = Inputs.tensor(device, Inputs.rows(logits, from, to, spec.numExperts()), count, spec.numExperts());
        rank.ops().route(routing, part, Inputs.tensor(device, bias, bias.length), spec);
        rank.ops().listPairs(routing, 0);
        int[] ids = Inputs.ints(device, routing.expertIds());
        int[] rowsOfPairs = Inputs.ints(device, routing.pairRows());
        float[] outputs = new float[count * spec.numExpertsPerTok() * DIM];
        for (int i = 0; i < ids.length; i++) {
            for (int c = 0; c < DIM; c++) {
                outputs[rowsOfPairs[i] * DIM + c] = expertOutput(from + i / spec.numExpertsPerTok(), ids[i], c);
            }
        }
        Tensor out = device.allocate(DType.F32, count, DIM);
        Tensor expertOut = Inputs.tensor(device, outputs, (long) count * spec.numExpertsPerTok(), DIM);
        rank.ops()
                .combine(
                        out, expertOut, routing, Inputs.tensor(device, Inputs.rows(shared, from, to, DIM), count, DIM));
        return Inputs.floats(device, out);
    }

    /** Room for {@code rows} tokens. */
    public static Routing allocate(Device device, int rows, RouterSpec spec) {
        int k = spec.numExpertsPerTok();
        return new Routing(
                device.allocate(DType.I32, rows, k),
                device.allocate(DType.F32, rows, k),
                device.allocate(DType.I32, spec.numExperts() + 1),
                device.allocate(DType.I32, (long) rows * k),
                device.allocate(DType.I32, rows, k));
    }

    @Override
    public double[] expected() {
        double[] y = new double[rows * DIM];
        for (int t = 0; t < rows; t++) {
            double[] scores = scores(t);
            List<Integer> chosen = choose(scores);
            double sum = chosen.stream().mapToDouble(e -> scores[e]).sum();
            for (int c = 0; c < DIM; c++) {
                double total = shared[t * DIM + c];
                for (int e : chosen) {
                    double weight = scores[e] / (spec.normTopkProb() ? sum : 1) * spec.routedScalingFactor();
                    total += weight * expertOutput(t, e, c);
                }
                y[t * DIM + c] = total;
            }
        }
        return y;
    }

    private double[] scores(int t) {
        double[] s = new double[spec.numExperts()];
        double sum = 0;
        for (int e = 0; e < s.length; e++) {
            double g = logits[t * s.length + e];
            s[e] = spec.isSigmoid() ? 1 / (1 + Math.exp(-g)) : Math.exp(g);
            sum += s[e];
        }
        for (int e = 0; e < s.length && !spec.isSigmoid(); e++) {
            s[e] /= sum;
        }
        return s;
    }

    /** By sorting; stable sorts keep lower ids first. */
    private List<Integer> choose(double[] scores) {
        int groupSize = spec.numExperts() / spec.nGroup();
        List<Integer> groups = new ArrayList<>();
        for (int g = 0; g < spec.nGroup(); g++) {
            groups.add(g);
        }
        groups.sort(Comparator.comparingDouble(g -> -groupScore(scores, g * groupSize, groupSize)));
        List<Integer> experts = new ArrayList<>();
        for (int e = 0; e < scores.length; e++) {
            if (groups.subList(0, spec.topkGroup()).contains(e / groupSize)) {
                experts.add(e);
            }
        }
        experts.sort(Comparator.comparingDouble(e -> -(float) (scores[e] + bias[e])));
        return experts.subList(0, spec.numExpertsPerTok());
    }

    private double groupScore(double[] scores, int from, int count) {
        List<Double> values = new ArrayList<>();
        for (int e = from; e < from + count; e++) {
            values.add(scores[e] + bias[e]);
        }
        values.sort(Comparator.reverseOrder());
        return (float) (count == 1 ? values.get(0) : values.get(0) + values.get(1)); // as floats: equal sums stay equal
    }

    @Override
    public double[] magnitude() {
        double[] ones = new double[rows * DIM];
        Arrays.fill(ones, spec.routedScalingFactor() + 1);
        return ones;
    }

    @Override
    public double bound() {
        return 1e-6;
    }

    @Override
    public String toString() {
        return "routing of " + rows + " rows by " + spec;
    }
}
