package io.millrace.kernels.cuda;

import java.util.ArrayList;
import java.util.List;

/**
 * The kernels of one tiled product, which differ in how many rows an item of work takes; all give the same bits. Sizes are those
 * of docs/kernels/gemm.md, which static_asserts in the .cu files hold. Thread: the rank's.
 */
final class TiledKernels {
    /**
     * One kernel.
     *
     * @param tokens rows of x that an item takes
     * @param warpgroups tiles that an item takes
     * @param blocksPerSm how many blocks fit an SM
     */
    record Variant(LaunchBlock kernel, int tokens, int warpgroups, int blocksPerSm) {
        int threads() {
            return 128 * (warpgroups + 1);
        }

        long tileSteps(int numTiles) {
            return (numTiles + warpgroups - 1) / warpgroups;
        }

        long rowSteps(long rows) {
            return (rows + tokens - 1) / tokens;
        }
    }

    private final List<Variant> variants = new ArrayList<>();

    /**
     * Takes {@code NAME_TOKENS} from the image.
     *
     * @param tokensAndBytes rows of an item, and dynamic shared bytes, of each kernel; ascending
     */
    TiledKernels(CudaImage image, String name, int[][] tokensAndBytes) {
        for (int[] kernel : tokensAndBytes) {
            int tokens = kernel[0];
            variants.add(new Variant(
                    image.kernel(name + "_" + tokens, kernel[1]),
                    tokens,
                    tokens == 128 ? 2 : 1,
                    tokens <= 16 ? 3 : tokens <= 64 ? 2 : 1));
        }
    }

    /** Returns the smallest kernel whose item holds so many rows, else the largest. */
    Variant forRows(double rows) {
        for (Variant v : variants) {
            if (rows <= v.tokens()) {
                return v;
            }
        }
        return variants.get(variants.size() - 1);
    }
}
