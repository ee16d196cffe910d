package io.millrace.kernels.cuda;

import io.millrace.kernels.Bf16Matrix;
import io.millrace.kernels.DType;
import io.millrace.kernels.Fp8Matrix;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tiles weights on the host and sends them to the device, a few MiB at a time. Any thread; several may load at once. */
final class CudaWeights {
    private static final int TILES_OF_A_PIECE = CudaStaging.PIECE_BYTES / TileGrid.TILE_BYTES;
    private static final int MAX_GROUPS = 512; // kMaxGroups

    private final CudaDevice device;

    CudaWeights(CudaDevice device) {
        this.device = device;
    }

    /** As {@link io.millrace.kernels.Device#uploadFp8}. */
    CudaFp8Weight fp8(String name, List<List<Fp8Matrix>> experts) {
        Operands.atMost(name + ": number of experts", experts.size(), MAX_GROUPS);
        List<Fp8Matrix> first = experts.get(0);
        TileGrid grid = TileGrid.of(first);
        float[] scales = new float[experts.size() * grid.numTiles() * grid.numBlocks()];
        int at = 0;
        for (List<Fp8Matrix> expert : experts) {
            Operands.equal(name + ": number of parts", expert.size(), first.size());
            for (int p = 0; p < expert.size(); p++) {
                checkAlike(name + ": part " + p, expert.get(p), first.get(p), grid);
                WeightTiler.check(name, expert.get(p));
            }
            at = putScales(scales, at, expert, grid);
        }
        CudaTensor tileScales = device.allocate(DType.F32, (long) experts.size() * grid.numTiles(), grid.numBlocks());
        device.write(tileScales, scales, scales.length);
        Tiles tiles = new Tiles(name, experts.size(), first.get(0).cols(), grid);
        for (List<Fp8Matrix> expert : experts) {
            int row = 0;
            for (Fp8Matrix part : expert) {
                tiles.add(
                        new WeightTiler.Bytes(part.codes().duplicate(), part.wholeCols(), part.cols()),
                        row,
                        part.rows());
                row += part.rows();
            }
        }
        return new CudaFp8Weight(tiles.finish(tileScales));
    }

    private static void checkAlike(String what, Fp8Matrix part, Fp8Matrix first, TileGrid grid) {
        Operands.equal(what + ", rows", part.rows(), first.rows());
        Operands.equal(what + ", first row", part.firstRow(), first.firstRow());
        Operands.equal(what + ", columns", part.cols(), grid.rowBytes());
        Operands.equal(what + ", columns behind a border of blocks", part.skewCols(), grid.skewBytes());
    }

    /** Puts the scales [tiles, blocks] of one expert; returns where the next one's go. */
    private static int putScales(float[] scales, int at, List<Fp8Matrix> parts, TileGrid grid) {
        int next = at;
        int tile = 0;
        int firstRow = 0;
        for (Fp8Matrix part : parts) {
            FloatBuffer blockScales = WeightTiler.scales(part);
            for (; tile < grid.numTiles() && grid.firstRows().get(tile) < firstRow + part.rows(); tile++) {
                for (int block = 0; block < grid.numBlocks(); block++) {
                    int col = Math.max(0, block * Fp8Matrix.BLOCK - grid.skewBytes());
                    scales[next++] =
                            blockScales.get(part.scaleIndex(grid.firstRows().get(tile) - firstRow, col));
                }
            }
            firstRow += part.rows();
        }
        return next;
    }

    /** As {@link io.millrace.kernels.Device#uploadBf16}. */
    CudaBf16Weight linearBf16(String name, List<List<Bf16Matrix>> experts) {
        Operands.atMost(name + ": number of experts", experts.size(), MAX_GROUPS);
        List<Bf16Matrix> first = experts.get(0);
        int cols = first.get(0).cols();
        TileGrid grid = TileGrid.of(first.stream().map(Bf16Matrix::rows).toList(), bf16Bytes(cols));
        Tiles tiles = new Tiles(name, experts.size(), cols, grid);
        for (List<Bf16Matrix> expert : experts) {
            Operands.equal(name + ": number of parts", expert.size(), first.size());
            int row = 0;
            for (int p = 0; p < expert.size(); p++) {
                Bf16Matrix part = expert.get(p);
                Operands.equal(
                        name + ": rows of part " + p, part.rows(), first.get(p).rows());
                Operands.equal(name + ": columns of part " + p, part.cols(), cols);
                tiles.add(
                        new WeightTiler.Bytes(part.values().duplicate(), bf16Bytes(part.wholeCols()), grid.rowBytes()),
                        row,
                        part.rows());
                row += part.rows();
            }
        }
        return new CudaBf16Weight(tiles.finish(null));
    }

    private static int bf16Bytes(int cols) {
        return Math.multiplyExact(cols, DType.BF16.elementBytes());
    }

    /**
     * Tiles one bf16 matrix, or one per head.
     *
     * @param data [heads, rows, cols] bf16 little-endian, from the position; not consumed
     */
    CudaDenseWeight bf16(String name, ByteBuffer data, int heads, int rows, int cols) {
        Operands.atMost(name + ": number of heads", heads, MAX_GROUPS);
        TileGrid grid = TileGrid.of(List.of(rows), bf16Bytes(cols));
        int bytes = rows * grid.rowBytes();
        Operands.atLeast(name + ": bytes", data.remaining(), (long) heads * bytes);
        Tiles tiles = new Tiles(name, heads, cols, grid);
        for (int h = 0; h < heads; h++) {
            ByteBuffer matrix = data.duplicate();
            matrix.position(data.position() + h * bytes);
            tiles.add(new WeightTiler.Bytes(matrix, grid.rowBytes(), grid.rowBytes()), 0, rows);
        }
        return new CudaDenseWeight(tiles.finish(null));
    }

    /** A weight on its way: matrices are added in the order of groups and parts. */
    private final class Tiles {
        private final String name;
        private final int numGroups;
        private final int cols;
        private final TileGrid grid;
        private final CudaTensor tensor;
        private final ByteBuffer piece;
        private long sent;

        Tiles(String name, int numGroups, int cols, TileGrid grid) {
            this.name = name;
            this.numGroups = numGroups;
            this.cols = cols;
            this.grid = grid;
            long count = (long) numGroups * grid.numTiles() * grid.numBlocks();
            tensor = device.allocateNamed(name, DType.E4M3, count, TileGrid.TILE_BYTES);
            piece = ByteBuffer.allocate((int) Math.min(TILES_OF_A_PIECE, count) * TileGrid.TILE_BYTES);
        }

        /** Adds the matrix or part that is rows {@code firstRow} and on of its group. */
        void add(WeightTiler.Bytes matrix, int firstRow, int rows) {
            for (int tile = 0; tile < grid.numTiles(); tile++) {
                int row = grid.firstRows().get(tile) - firstRow;
                if (row < 0 || row >= rows) {
                    continue; // another part's
                }
                int count = grid.lastRows().get(tile) - grid.firstRows().get(tile);
                for (int block = 0; block < grid.numBlocks(); block++) {
                    WeightTiler.put(piece, matrix, row, count, block * TileGrid.BLOCK_BYTES - grid.skewBytes());
                    if (!piece.hasRemaining()) {
                        send();
                    }
                }
            }
        }

        private void send() {
            piece.flip();
            int count = piece.remaining() / TileGrid.TILE_BYTES;
            if (count > 0) {
                device.writeBytes(tensor.rows(sent, count), piece);
            }
            sent += count;
            piece.clear();
        }

        TiledWeight finish(@Nullable CudaTensor scales) {
            send();
            int[] places = new int[2 * grid.numTiles()];
            for (int i = 0; i < grid.numTiles(); i++) {
                places[2 * i] = grid.firstRows().get(i);
                places[2 * i + 1] = grid.lastRows().get(i) - grid.firstRows().get(i);
            }
            CudaTensor tileRows = device.allocate(DType.I32, grid.numTiles(), 2);
            device.write(tileRows, places, places.length);
            int splits = numGroups == 1 ? grid.numSplits() : 1;
            return new TiledWeight(name, numGroups, grid.rows(), cols, grid, splits, tensor, tileRows, scales);
        }
    }
}
