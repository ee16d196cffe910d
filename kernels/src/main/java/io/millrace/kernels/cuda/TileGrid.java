package io.millrace.kernels.cuda;

import io.millrace.kernels.Fp8Matrix;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * How a weight of tiled_gemm.cuh is cut: tiles of {@value #TILE_ROWS} output rows × {@value #BLOCK_BYTES} bytes of k, the same for each
 * of its groups (experts, heads). Every part starts a tile, and the tiles' borders are those of the whole matrix which a part was cut
 * from, so that no tile crosses a border of scales.
 *
 * @param partRows output rows of each row-concatenated part
 * @param skewBytes bytes of k by which the first tile begins before the rows do; zeros lie there
 * @param rowBytes bytes of a row: 1 per e4m3, 2 per bf16
 * @param firstRows first output row of each tile
 * @param lastRows the row after the tile's last
 */
record TileGrid(List<Integer> partRows, int skewBytes, int rowBytes, List<Integer> firstRows, List<Integer> lastRows) {
    /** Output rows of a tile. */
    static final int TILE_ROWS = 64;
    /** Bytes of k of a tile. */
    static final int BLOCK_BYTES = 128;
    /** Bytes of a tile. */
    static final int TILE_BYTES = TILE_ROWS * BLOCK_BYTES;

    private static final int FULL_DEVICE =
            132; // SMs of an H100 or H200; part of the numerics, so not asked from the device

    /** Returns the grid of parts without scales: they begin at borders of tiles, wherever they were cut. */
    static TileGrid of(List<Integer> partRows, int rowBytes) {
        return of(partRows, Collections.nCopies(partRows.size(), 0), 0, rowBytes);
    }

    /**
     * Returns the grid of e4m3 parts.
     *
     * @param parts of the same columns
     */
    static TileGrid of(List<Fp8Matrix> parts) {
        return of(
                parts.stream().map(Fp8Matrix::rows).toList(),
                parts.stream().map(Fp8Matrix::firstRow).toList(),
                parts.get(0).skewCols(),
                parts.get(0).cols());
    }

    private static TileGrid of(List<Integer> partRows, List<Integer> partFirstRows, int skewBytes, int rowBytes) {
        List<Integer> first = new ArrayList<>();
        List<Integer> last = new ArrayList<>();
        int start = 0;
        for (int p = 0; p < partRows.size(); p++) {
            int rows = partRows.get(p);
            int skew = partFirstRows.get(p) % TILE_ROWS;
            for (int r = -skew; r < rows; r += TILE_ROWS) {
                first.add(start + Math.max(0, r));
                last.add(start + Math.min(rows, r + TILE_ROWS));
            }
            start += rows;
        }
        return new TileGrid(List.copyOf(partRows), skewBytes, rowBytes, List.copyOf(first), List.copyOf(last));
    }

    /** Returns the tiles of a group. */
    int numTiles() {
        return firstRows.size();
    }

    /** Returns the blocks of k. */
    int numBlocks() {
        return (skewBytes + rowBytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    }

    /** Returns the output rows of a group. */
    int rows() {
        return partRows.stream().mapToInt(Integer::intValue).sum();
    }

    /**
     * Returns into how many runs a product of one group cuts k, so that few tiles fill a device: a function of the shape alone,
     * because it decides the order of sums. docs/kernels/gemm.md, "Same bits".
     */
    int numSplits() {
        if (numTiles() >= FULL_DEVICE / 2) {
            return 1;
        }
        int wanted = Math.min((FULL_DEVICE + numTiles() - 1) / numTiles(), Math.max(1, numBlocks() / 4));
        int blocksOfRun = (numBlocks() + wanted - 1) / wanted;
        return (numBlocks() + blocksOfRun - 1) / blocksOfRun; // no run is empty
    }
}
