package io.millrace.kernels.numeric;

import org.jspecify.annotations.Nullable;

/**
 * The one table of RoPE angles that all back ends use, with YaRN's scaling (Peng et al. 2023, §3) as DeepSeek-V3 sets it. Any
 * thread.
 *
 * <p>The frequency is computed in double and rounded to f32 once; the angle is the f32 product of position and frequency; cos
 * and sin of that f32 are evaluated in double and rounded to f32. Pairs are interleaved: angle i turns columns 2i and 2i + 1.
 *
 * @param dim P, {@code qk_rope_head_dim}; even
 * @param theta {@code rope_theta}
 * @param scaling {@code rope_scaling}, or null: plain RoPE
 */
public record YarnRope(int dim, double theta, @Nullable Scaling scaling) {

    /**
     * The keys of {@code rope_scaling} with type yarn.
     *
     * @param factor how much longer the context is than the original one; ≥ 1
     * @param originalMaxPositionEmbeddings context before the extension, in tokens
     * @param betaFast turns in the original context above which a frequency is kept
     * @param betaSlow turns below which it is divided by {@code factor}
     * @param mscale numerator's coefficient of the cos/sin multiplier
     * @param mscaleAllDim its denominator's, and that of the softmax scale; 0: none
     */
    public record Scaling(
            double factor,
            int originalMaxPositionEmbeddings,
            double betaFast,
            double betaSlow,
            double mscale,
            double mscaleAllDim) {

        private double ramp(int i, int dim, double theta) {
            double low = Math.max(0, StrictMath.floor(correction(betaFast, dim, theta)));
            double high = Math.min(dim - 1, StrictMath.ceil(correction(betaSlow, dim, theta)));
            if (low == high) {
                high += 0.001;
            }
            return Math.min(1, Math.max(0, (i - low) / (high - low)));
        }

        private double correction(double turns, int dim, double theta) {
            double positions = originalMaxPositionEmbeddings / (2 * Math.PI * turns);
            return dim * StrictMath.log(positions) / (2 * StrictMath.log(theta));
        }

        private double attentionFactor(double coefficient) {
            return factor <= 1 ? 1 : 0.1 * coefficient * StrictMath.log(factor) + 1;
        }
    }

    /** cos and sin, [positions, dim / 2] f32 each. */
    @SuppressWarnings("ArrayRecordComponent") // a parcel on its way to a device, compared by nobody
    public record Table(float[] cos, float[] sin) {}

    /** Checks the ranges. */
    public YarnRope {
        if (dim < 2 || dim % 2 != 0 || !(theta > 1)) {
            throw new IllegalArgumentException(
                    "qk_rope_head_dim " + dim + " must be even and ≥ 2, rope_theta " + theta + " above 1");
        }
        if (scaling != null && !(scaling.factor >= 1 && scaling.originalMaxPositionEmbeddings >= 1)) {
            throw new IllegalArgumentException(
                    "rope_scaling: factor " + scaling.factor + " and original_max_position_embeddings "
                            + scaling.originalMaxPositionEmbeddings + " must be at least 1");
        }
    }

    /** Returns the angle per position of pair {@code i}, 0 ≤ i &lt; dim / 2. */
    public float inverseFrequency(int i) {
        return (float) frequency(i);
    }

    /** Returns the table of positions 0 … {@code positions} − 1. */
    public Table table(int positions) {
        int half = dim / 2;
        float[] cos = new float[Math.multiplyExact(positions, half)];
        float[] sin = new float[cos.length];
        double multiplier = tableMultiplier();
        for (int i = 0; i < half; i++) {
            float inverseFrequency = inverseFrequency(i);
            for (int pos = 0; pos < positions; pos++) {
                double angle = (float) pos * inverseFrequency; // the f32 product, widened
                cos[pos * half + i] = (float) (StrictMath.cos(angle) * multiplier);
                sin[pos * half + i] = (float) (StrictMath.sin(angle) * multiplier);
            }
        }
        return new Table(cos, sin);
    }

    /**
     * Returns {@code qkHeadDim^-½ · mscale(factor, mscale_all_dim)²}.
     *
     * @param qkHeadDim nope + rope columns of a query head (192 for R1), also where attention runs on the absorbed latent
     */
    public double softmaxScale(int qkHeadDim) {
        double m = scaling == null ? 1 : scaling.attentionFactor(scaling.mscaleAllDim);
        return m * m / Math.sqrt(qkHeadDim);
    }

    double frequency(int i) {
        double plain = StrictMath.pow(theta, -2.0 * i / dim);
        if (scaling == null) {
            return plain;
        }
        double ramp = scaling.ramp(i, dim, theta);
        return plain / scaling.factor * ramp + plain * (1 - ramp);
    }

    private double tableMultiplier() {
        return scaling == null
                ? 1
                : scaling.attentionFactor(scaling.mscale) / scaling.attentionFactor(scaling.mscaleAllDim);
    }
}
