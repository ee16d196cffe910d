package io.millrace.engine.model;

import io.millrace.kernels.Bf16Matrix;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.numeric.Bf16;
import io.millrace.kernels.numeric.BlockScale;
import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * {@code kv_b_proj} taken apart for absorbed attention: per head its first {@code nope} rows make k from the latent, the next
 * {@code v} rows make v. Attention works on latents instead, so k's half is applied to q, transposed (DeepSeek-V2 §2.1.2).
 */
final class AbsorbedKv {
    /** Elements of {@code kv_b_proj}, decoded. */
    private interface Elements {
        float at(int row, int col);
    }

    private final ModelConfig config;
    private final RankShare.Range heads;
    private final Elements kvB;

    private AbsorbedKv(ModelConfig config, RankShare.Range heads, Elements kvB) {
        this.config = config;
        this.heads = heads;
        this.kvB = kvB;
    }

    /** Reads the rows of some heads of {@code kv_b_proj}: [all heads · (nope + v), R]. */
    static AbsorbedKv of(ModelConfig config, RankShare.Range heads, Fp8Matrix kvB) {
        ByteBuffer codes = kvB.codes().slice();
        ByteBuffer scales = kvB.scales().slice().order(ByteOrder.LITTLE_ENDIAN);
        int scaleCols = BlockScale.blocks(kvB.cols());
        return new AbsorbedKv(config, heads, (row, col) -> {
            int block = row / BlockScale.BLOCK * scaleCols + col / BlockScale.BLOCK;
            return E4m3.decode(codes.get(row * kvB.cols() + col)) * scales.getFloat(4 * block);
        });
    }

    /** As {@link #of(ModelConfig, RankShare.Range, Fp8Matrix)}, in bf16. */
    static AbsorbedKv of(ModelConfig config, RankShare.Range heads, Bf16Matrix kvB) {
        ByteBuffer values = kvB.values().slice().order(ByteOrder.LITTLE_ENDIAN);
        return new AbsorbedKv(config, heads, (row, col) -> Bf16.toFloat(values.getShort(2 * (row * kvB.cols() + col))));
    }

    /** Returns k's half, transposed: [H, R, nope] f32. */
    float[] keyUp() {
        int nope = config.qkNopeHeadDim();
        int latent = config.kvLoraRank();
        float[] keyUp = new float[heads.count() * latent * nope];
        for (int h = 0; h < heads.count(); h++) {
            for (int n = 0; n < nope; n++) {
                for (int r = 0; r < latent; r++) {
                    keyUp[(h * latent + r) * nope + n] = kvB.at(firstRow(h) + n, r);
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
                    valueUp[at++] = kvB.at(firstRow(h) + config.qkNopeHeadDim() + n, r);
                }
            }
        }
        return valueUp;
    }

    private int firstRow(int head) {
        return (heads.first() + head) * (config.qkNopeHeadDim() + config.vHeadDim());
    }
}
