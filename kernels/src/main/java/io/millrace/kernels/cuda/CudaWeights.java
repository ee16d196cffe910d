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
        int cols = first.get(0).cols();
        TileGrid grid = TileGrid.of(first.stream().map(Fp8Matrix::rows).toList(), cols);
        float[] scales = new float[experts.size() * grid.numTiles() * grid.numBlocks()];
        int at = 0;
        for (List<Fp8Matrix> expert : experts) {
            Operands.equal(name + ": number of parts", expert.size(), first.size());
            for (int p = 0; p < expert.size(); p++) {
                Fp8Matrix part = expert.get(p);
                Operands.equal(
                        name + ": rows of part " + p, part.rows(), first.get(p).rows());
                Operands.equal(name + ": columns of part " + p, part.cols(), cols);
                WeightTiler.check(name, part);
                FloatBuffer blockScales = WeightTiler.scales(part);
                for (int row = 0; row < part.rows(); row += TileGrid.TILE_ROWS, at += grid.numBlocks()) {
                    blockScales.get(row / Fp8Matrix.BLOCK * grid.numBlocks(), scales, at, grid.numBlocks());
                }
            }
        }
        CudaTensor tileScales = device.allocate(DType.F32, (long) experts.size() * grid.numTiles(), grid.numBlocks());
        device.write(tileScales, scales, scales.length);
        Tiles tiles = new Tiles(name, experts.size(), cols, grid);
        for (List<Fp8Matrix> expert : experts) {
            for (Fp8Matrix part : expert) {
                tiles.add(part.codes(), part.rows());
            }
        }
        return new CudaFp8Weight(tiles.finish(tileScales));
    }

    /** As {@link io.millrace.kernels.Device#uploadBf16}. */
    CudaBf16Weight linearBf16(String name, List<List<Bf16Matrix>> experts) {
        Operands.atMost(name + ": number of experts", experts.size(), MAX_GROUPS);
        List<Bf16Matrix> first = experts.get(0);
        int cols = first.get(0).cols();
        int rowBytes = Math.multiplyExact(cols, DType.BF16.elementBytes());
        TileGrid grid = TileGrid.of(first.stream().map(Bf16Matrix::rows).toList(), rowBytes);
        Tiles tiles = new Tiles(name, experts.size(), cols, grid);
        for (List<Bf16Matrix> expert : experts) {
            Operands.equal(name + ": number of parts", expert.size(), first.size());
            for (int p = 0; p < expert.size(); p++) {
                Bf16Matrix part = expert.get(p);
                Operands.equal(
                        name + ": rows of part " + p, part.rows(), first.get(p).rows());
                Operands.equal(name + ": columns of part " + p, part.cols(), cols);
                tiles.add(part.values(), part.rows());
            }
        }
        return new CudaBf16Weight(tiles.finish(null));
    }

    /**
     * Tiles one bf16 matrix, or one per head.
     *
     * @param data [heads, rows, cols] bf16 little-endian, from the position; not consumed
     */
    CudaDenseWeight bf16(String name, ByteBuffer data, int heads, int rows, int cols) {
        Operands.atMost(name + ": number of heads", heads, MAX_GROUPS);
        TileGrid grid = TileGrid.of(List.of(rows), Math.multiplyExact(cols, DType.BF16.elementBytes()));
        int bytes = rows * grid.rowBytes();
        Operands.atLeast(name + ": bytes", data.remaining(), (long) heads * bytes);
        Tiles tiles = new Tiles(name, heads, cols, grid);
        for (int h = 0; h < heads; h++) {
            tiles.add(data.duplicate().position(data.position() + h * bytes), rows);
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

        void add(ByteBuffer codes, int rows) {
            ByteBuffer matrix = codes.duplicate(); // of the piece's byte order, too
            for (int row = 0; row < rows; row += TileGrid.TILE_ROWS) {
                for (int block = 0; block < grid.numBlocks(); block++) {
                    WeightTiler.put(piece, matrix, rows, grid.rowBytes(), row, block * TileGrid.BLOCK_BYTES);
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
