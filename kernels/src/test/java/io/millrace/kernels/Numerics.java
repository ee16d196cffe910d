package io.millrace.kernels;

import io.millrace.kernels.numeric.Bf16;
import io.millrace.kernels.numeric.BlockScale;
import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** What a back end's numbers are before they meet (design: cpu keeps f32, cuda is as the model was published); oracles start from there. */
public enum Numerics {
    /** f32 everywhere but in weights. */
    CPU(DType.F32, 3e-6),
    /** e4m3 activations in groups of 128, bf16 operands and cache; probabilities of attention are rounded to bf16: half a step, 2⁻⁹, twice. */
    CUDA(DType.BF16, 0x1p-8);

    private final DType cacheType;
    private final double attentionBound;

    Numerics(DType cacheType, double attentionBound) {
        this.cacheType = cacheType;
        this.attentionBound = attentionBound;
    }

    DType cacheType() {
        return cacheType;
    }

    /** Bound of {@link AttentionCase} in units of Σ p |v|. */
    double attentionBound() {
        return attentionBound;
    }

    /** Returns what an {@link Fp8Activations} of the rows [·, cols] stands for. */
    double[] activations(float[] x, int cols, LinearFormat format) {
        double[] values = new double[x.length];
        if (!format.isScaled()) {
            float[] rounded = operand(x);
            Arrays.setAll(values, i -> rounded[i]);
            return values;
        }
        byte[] codes = new byte[x.length];
        for (int row = 0; row < x.length; row += cols) {
            for (int c = 0; c < cols; c += Fp8Matrix.BLOCK) {
                int count = Math.min(Fp8Matrix.BLOCK, cols - c);
                float scale = BlockScale.quantizeGroup(codes, x, row + c, count, format == LinearFormat.E4M3_UE8M0);
                for (int i = row + c; i < row + c + count; i++) {
                    values[i] = this == CPU ? x[i] : (double) E4m3.decode(codes[i]) * scale;
                }
            }
        }
        return values;
    }

    /** Returns an operand of a dense product or of attention. */
    float[] operand(float[] x) {
        float[] values = x.clone();
        for (int i = 0; i < x.length && this == CUDA; i++) {
            values[i] = Bf16.toFloat(Bf16.fromFloat(x[i]));
        }
        return values;
    }

    /** Returns what KV pages with these numbers are uploaded from. */
    ByteBuffer cacheBytes(float[] x) {
        return this == CUDA ? Inputs.bf16Bytes(x) : Inputs.f32Bytes(x);
    }
}
