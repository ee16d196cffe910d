package io.millrace.engine.model;

import io.millrace.kernels.LinearFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The forward pass in double, as plain as it goes: naive attention over expanded keys and values, experts one by one, no ops, no
 * pages. The oracle for configs that the goldens don't cover. Reads tensors through {@link Checkpoint}, whose bytes have tests of
 * their own.
 */
final class PlainReference {
    private final ModelConfig c;
    private final Checkpoint checkpoint;

    private final boolean isRounding;

    /** All in double. */
    PlainReference(ModelFolder folder) {
        this(folder, false);
    }

    /** With {@code isRounding}: what meets an e4m3 weight is e4m3 in groups of 128, what meets a bf16 weight and the cache are bf16. */
    PlainReference(ModelFolder folder, boolean isRounding) {
        this.isRounding = isRounding;
        c = folder.config();
        checkpoint = folder.checkpoint();
    }

    /** Returns logits [T, V] of a whole sequence. */
    double[][] logits(int[] ids) {
        double[][] embedding = matrix("model.embed_tokens.weight");
        double[][] x = new double[ids.length][];
        for (int t = 0; t < ids.length; t++) {
            x[t] = embedding[ids[t]].clone();
        }
        for (int i = 0; i < c.numHiddenLayers(); i++) {
            String p = "model.layers." + i + ".";
            add(x, attention(norm(x, p + "input_layernorm", c.rmsNormEps()), p + "self_attn."));
            double[][] y = norm(x, p + "post_attention_layernorm", c.rmsNormEps());
            add(x, i < c.firstKDenseReplace() ? mlp(y, p + "mlp.") : moe(y, p + "mlp."));
        }
        return times(norm(x, "model.norm", c.rmsNormEps()), "lm_head");
    }

    private double[][] attention(double[][] x, String p) {
        int rank = c.kvLoraRank();
        int nope = c.qkNopeHeadDim();
        int rope = c.qkRopeHeadDim();
        double[][] q = c.qLoraRank() == 0
                ? times(x, p + "q_proj")
                : times(norm(times(x, p + "q_a_proj"), p + "q_a_layernorm", 1e-6), p + "q_b_proj");
        double[][] kvA = times(x, p + "kv_a_proj_with_mqa");
        double[][] latent = norm(columns(kvA, 0, rank), p + "kv_a_layernorm", 1e-6);
        double[][] key = columns(kvA, rank, rope);
        for (int t = 0; t < x.length; t++) {
            rotate(key[t], 0, t);
            roundToBf16(latent[t]);
            roundToBf16(key[t]);
        }
        double[][] kvB = times(latent, p + "kv_b_proj");
        double[][] out = new double[x.length][c.numAttentionHeads() * c.vHeadDim()];
        for (int h = 0; h < c.numAttentionHeads(); h++) {
            int qStart = h * (nope + rope);
            int kvStart = h * (nope + c.vHeadDim());
            for (int t = 0; t < x.length; t++) {
                rotate(q[t], qStart + nope, t);
                double[] s = new double[t + 1];
                for (int u = 0; u <= t; u++) {
                    double dot = dot(q[t], qStart, kvB[u], kvStart, nope) + dot(q[t], qStart + nope, key[u], 0, rope);
                    s[u] = dot * scale();
                }
                softmax(s);
                for (int u = 0; u <= t; u++) {
                    for (int v = 0; v < c.vHeadDim(); v++) {
                        out[t][h * c.vHeadDim() + v] += s[u] * kvB[u][kvStart + nope + v];
                    }
                }
            }
        }
        return times(out, p + "o_proj");
    }

    private double scale() {
        double mscale = c.ropeScaling() == null
                ? 1
                : 0.1
                                * c.ropeScaling().mscaleAllDim()
                                * Math.log(c.ropeScaling().factor())
                        + 1;
        return mscale * mscale / Math.sqrt(c.qkNopeHeadDim() + c.qkRopeHeadDim());
    }

    private void rotate(double[] x, int from, int position) {
        for (int i = 0; i < c.qkRopeHeadDim() / 2; i++) {
            double angle = position * frequency(i);
            double a = x[from + 2 * i];
            double b = x[from + 2 * i + 1];
            x[from + 2 * i] = a * Math.cos(angle) - b * Math.sin(angle);
            x[from + 2 * i + 1] = a * Math.sin(angle) + b * Math.cos(angle);
        }
    }

    private double frequency(int i) {
        int d = c.qkRopeHeadDim();
        double f = Math.pow(c.ropeTheta(), -2.0 * i / d);
        if (c.ropeScaling() == null) {
            return f;
        }
        double low = Math.max(0, Math.floor(turnsAt(c.ropeScaling().betaFast())));
        double high = Math.min(d - 1, Math.ceil(turnsAt(c.ropeScaling().betaSlow())));
        double ramp = Math.min(1, Math.max(0, (i - low) / (high > low ? high - low : 0.001)));
        return f / c.ropeScaling().factor() * ramp + f * (1 - ramp);
    }

    private double turnsAt(double beta) {
        double length = c.ropeScaling().originalMaxPositionEmbeddings();
        return c.qkRopeHeadDim() * Math.log(length / (2 * Math.PI * beta)) / (2 * Math.log(c.ropeTheta()));
    }

    private double[][] mlp(double[][] x, String p) {
        double[][] gate = times(x, p + "gate_proj");
        double[][] up = times(x, p + "up_proj");
        for (int t = 0; t < x.length; t++) {
            for (int f = 0; f < gate[t].length; f++) {
                gate[t][f] = gate[t][f] / (1 + Math.exp(-gate[t][f])) * up[t][f];
            }
        }
        return times(gate, p + "down_proj");
    }

    private double[][] moe(double[][] x, String p) {
        double[][] logits = times(x, p + "gate");
        double[][] out = mlp(x, p + "shared_experts.");
        for (int t = 0; t < x.length; t++) {
            double[] score = logits[t].clone();
            double[] biased = score;
            if (c.isNoauxTc()) {
                double[] bias = matrix(p + "gate.e_score_correction_bias")[0];
                biased = new double[score.length];
                for (int e = 0; e < score.length; e++) {
                    score[e] = 1 / (1 + Math.exp(-score[e]));
                    biased[e] = score[e] + bias[e];
                }
            } else {
                softmax(score);
            }
            List<Integer> chosen = choose(biased);
            double sum = chosen.stream().mapToDouble(e -> score[e]).sum();
            for (int e : chosen) {
                double weight = score[e] / (c.normTopkProb() ? sum : 1) * c.routedScalingFactor();
                double[] y = mlp(new double[][] {x[t]}, p + "experts." + e + ".")[0];
                for (int i = 0; i < y.length; i++) {
                    out[t][i] += weight * y[i];
                }
            }
        }
        return out;
    }

    /** The best groups by the sum of their two best, then the best experts in them. */
    private List<Integer> choose(double[] biased) {
        int size = biased.length / c.nGroup();
        List<double[]> groups = new ArrayList<>(); // score, index
        for (int g = 0; g < c.nGroup(); g++) {
            double[] sorted = Arrays.copyOfRange(biased, g * size, (g + 1) * size);
            Arrays.sort(sorted);
            groups.add(new double[] {sorted[size - 1] + sorted[size - 2], g});
        }
        groups.sort(Comparator.comparingDouble(g -> -g[0]));
        List<Integer> experts = new ArrayList<>();
        for (double[] g : groups.subList(0, c.topkGroup())) {
            for (int e = 0; e < size; e++) {
                experts.add((int) g[1] * size + e);
            }
        }
        experts.sort(Comparator.comparingDouble(e -> -biased[e]));
        return experts.subList(0, c.numExpertsPerTok());
    }

    private static void softmax(double[] s) {
        double max = Arrays.stream(s).max().orElseThrow();
        double sum = 0;
        for (int i = 0; i < s.length; i++) {
            s[i] = Math.exp(s[i] - max);
            sum += s[i];
        }
        for (int i = 0; i < s.length; i++) {
            s[i] /= sum;
        }
    }

    private double[][] norm(double[][] x, String name, double eps) {
        double[] w = matrix(name + ".weight")[0];
        double[][] y = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double scale = 1 / Math.sqrt(dot(x[t], 0, x[t], 0, w.length) / w.length + eps);
            y[t] = new double[w.length];
            for (int i = 0; i < w.length; i++) {
                y[t][i] = x[t][i] * scale * w[i];
            }
        }
        return y;
    }

    private double[][] times(double[][] rows, String name) {
        double[][] w = matrix(name + ".weight");
        double[][] x = new double[rows.length][];
        double[][] y = new double[x.length][w.length];
        for (int t = 0; t < x.length; t++) {
            x[t] = rows[t].clone();
            if (checkpoint.located(name + ".weight").entry().dtype().equals("F8_E4M3") && !name.endsWith("kv_b_proj")) {
                roundToE4m3(x[t]);
            } else {
                roundToBf16(x[t]);
            }
            for (int n = 0; n < w.length; n++) {
                y[t][n] = dot(x[t], 0, w[n], 0, w[n].length);
            }
        }
        return y;
    }

    private void roundToBf16(double[] x) {
        for (int i = 0; i < x.length && isRounding; i++) {
            x[i] = rounded(x[i], 8, -126);
        }
    }

    /** Each 128 columns have a scale that makes the largest of them 448. */
    private void roundToE4m3(double[] x) {
        for (int from = 0; from < x.length && isRounding; from += 128) {
            int to = Math.min(x.length, from + 128);
            double scale = Arrays.stream(x, from, to).map(Math::abs).reduce(1e-4, Math::max) / 448;
            if (c.linearFormat() == LinearFormat.E4M3_UE8M0) {
                scale = Math.pow(2, Math.ceil(Math.log(scale) / Math.log(2)));
            }
            for (int i = from; i < to; i++) {
                x[i] = rounded(x[i] / scale, 4, -6) * scale;
            }
        }
    }

    /** To so many significant bits, ties to even, fewer below 2^minExponent. */
    private static double rounded(double x, int bits, int minExponent) {
        double step = Math.pow(2, Math.max(Math.getExponent(x), minExponent) - bits + 1);
        return Math.rint(x / step) * step;
    }

    private static double dot(double[] a, int aStart, double[] b, int bStart, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += a[aStart + i] * b[bStart + i];
        }
        return sum;
    }

    private static double[][] columns(double[][] x, int from, int count) {
        double[][] y = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            y[t] = Arrays.copyOfRange(x[t], from, from + count);
        }
        return y;
    }

    private static void add(double[][] x, double[][] y) {
        for (int t = 0; t < x.length; t++) {
            for (int i = 0; i < x[t].length; i++) {
                x[t][i] += y[t][i];
            }
        }
    }

    /** Reads a tensor of any dtype as [rows, cols], a vector as one row. */
    private double[][] matrix(String name) {
        Checkpoint.Located at = checkpoint.located(name);
        ByteBuffer data = at.shard().data(at.entry()).order(ByteOrder.LITTLE_ENDIAN);
        List<Long> shape = at.entry().shape();
        int cols = shape.get(shape.size() - 1).intValue();
        double[][] w = new double[shape.size() == 1 ? 1 : shape.get(0).intValue()][cols];
        ByteBuffer scales = null;
        if (at.entry().dtype().equals("F8_E4M3")) {
            Checkpoint.Located s = checkpoint.located(name + "_scale_inv");
            scales = s.shard().data(s.entry()).order(ByteOrder.LITTLE_ENDIAN);
        }
        for (int r = 0; r < w.length; r++) {
            for (int k = 0; k < cols; k++) {
                int i = r * cols + k;
                w[r][k] = scales != null
                        ? e4m3(data.get(i)) * scales.getFloat(4 * (r / 128 * ((cols + 127) / 128) + k / 128))
                        : at.entry().dtype().equals("BF16")
                                ? Float.intBitsToFloat(data.getShort(2 * i) << 16)
                                : data.getFloat(4 * i);
            }
        }
        return w;
    }

    private static double e4m3(int code) {
        int e = code >> 3 & 15;
        int m = code & 7;
        double abs = e == 0 ? m / 512.0 : (1 + m / 8.0) * Math.pow(2, e - 7);
        return code < 0 ? -abs : abs;
    }
}
