package io.millrace.engine.model;

import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.numeric.BlockScale;
import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * {@code kv_b_proj} taken apart for absorbed attention: per head its first {@code nope} rows make k from the latent, the next
 * {@code v} rows make v. Attention works on latents instead, so k's half is applied to q, transposed (DeepSeek-V2 §2.1.2).
 */
final class AbsorbedKv {
    private final ModelConfig config;
    private final RankShare.Range heads;
    private final ByteBuffer codes;
    private final ByteBuffer scales;
    private final int scaleCols;

    /** Reads the rows of some heads of {@code kv_b_proj}: [all heads · (nope + v), R]. */
    AbsorbedKv(ModelConfig config, RankShare.Range heads, Fp8Matrix kvB) {
        this.config = config;
        this.heads = heads;
        codes = kvB.codes().slice();
        scales = kvB.scales().slice().order(ByteOrder.LITTLE_ENDIAN);
        scaleCols = BlockScale.blocks(kvB.cols());
    }

    /** Returns k's half, transposed: [H, R, nope] f32. */
    float[] keyUp() {
        int nope = config.qkNopeHeadDim();
        int latent = config.kvLoraRank();
        float[] keyUp = new float[heads.count() * latent * nope];
        for (int h = 0; h < heads.count(); h++) {
            for (int n = 0; n < nope; n++) {
                for (int r = 0; r < latent; r++) {
                    keyUp[(h * latent + r) * nope + n] = weight(firstRow(h) + n, r);
                }
            }
        }
        return keyUp;
    }

    /** Returns v's half: [H, v, R] f32. */
    float[] valueUp() {
        int latent = config.kvLoraRank();
        float[] valueUp = new float[heads.count() * config.vHeadDim() * latent];
        int at = 0;
        for (int h = 0; h < heads.count(); h++) {
            for (int n = 0; n < config.vHeadDim(); n++) {
                for (int r = 0; r < latent; r++) {
                    valueUp[at++] = weight(firstRow(h) + config.qkNopeHeadDim() + n, r);
                }
            }
        }
        return valueUp;
    }

    private int firstRow(int head) {
        return (heads.first() + head) * (config.qkNopeHeadDim() + config.vHeadDim());
    }

    private float weight(int row, int col) {
        int block = row / BlockScale.BLOCK * scaleCols + col / BlockScale.BLOCK;
        return E4m3.decode(codes.get(row * config.kvLoraRank() + col)) * scales.getFloat(4 * block);
    }
}
