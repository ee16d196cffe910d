package io.millrace.kernels.cuda;

import org.jspecify.annotations.Nullable;

/**
 * A weight in device memory as tiled_gemm.cuh reads it. Immutable; any thread.
 *
 * @param name for messages
 * @param numGroups experts or heads, else 1
 * @param rows N, output features of a group
 * @param cols K, input features of a group
 * @param grid how it is cut
 * @param numSplits runs of k of a sum
 * @param tiles [groups · tiles · blocks, 8192] e4m3 (bytes)
 * @param tileRows [tiles, 2] i32: first output column, output columns
 * @param tileScales [groups · tiles, blocks] f32; null for bf16
 */
record TiledWeight(
        String name,
        int numGroups,
        int rows,
        int cols,
        TileGrid grid,
        int numSplits,
        CudaTensor tiles,
        CudaTensor tileRows,
        @Nullable CudaTensor tileScales) {
    /** Returns whether it is e4m3 with scales; else bf16. */
    boolean isScaled() {
        return tileScales != null;
    }

    @Override
    public String toString() {
        return name + " [" + numGroups + ", " + rows + ", " + cols + "] " + (isScaled() ? "E4M3" : "BF16");
    }
}
