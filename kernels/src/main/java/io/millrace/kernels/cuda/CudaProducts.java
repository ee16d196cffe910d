package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.LinearWeight;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;
import org.jspecify.annotations.Nullable;

/** Products with tiled weights: gemm, groupedGemm, denseGemm, headGemm. Layout, order of sums: tiled_gemm.cuh. Thread: the rank's. */
final class CudaProducts {
    /** Rows that a split product takes in one launch, so that room for its partial sums is bounded. */
    private static final int SPLIT_ROWS = 256;
    /** Most of tiles (rounded up to two) · splits: 66 tiles are split in two, and one tile in 132. */
    private static final int MAX_TILE_SPLITS = 264;

    private final TiledKernels gemm;
    private final TiledKernels groupedGemm;
    private final TiledKernels groupedDenseGemm;
    private final TiledKernels denseGemm;
    private final TiledKernels headGemm;
    private final int numSms;
    private final CudaTensor partials; // [tiles · splits, 64, rows] f32
    private final CudaTensor arrivals; // zero before and after each launch

    CudaProducts(CudaDevice device) {
        CudaImage image = device.image();
        int[][] bf16 = {{8, 73_864}, {32, 98_440}, {128, 196_712}};
        gemm = new TiledKernels(
                image, "gemm", new int[][] {{8, 74_120}, {16, 61_928}, {32, 99_464}, {64, 99_944}, {128, 199_784}});
        groupedGemm = new TiledKernels(image, "grouped_gemm", new int[][] {
            {8, 76_164}, {16, 63_972}, {32, 101_508}, {64, 101_988}, {128, 201_828}
        });
        groupedDenseGemm =
                new TiledKernels(image, "grouped_dense_gemm", new int[][] {{8, 75_908}, {32, 100_484}, {128, 198_756}});
        denseGemm = new TiledKernels(image, "dense_gemm", bf16);
        headGemm = new TiledKernels(image, "head_gemm", bf16);
        numSms = device.numSms();
        partials = device.allocate(DType.F32, MAX_TILE_SPLITS, TileGrid.TILE_ROWS, SPLIT_ROWS);
        arrivals = device.allocate(DType.I32, MAX_TILE_SPLITS, SPLIT_ROWS / 8);
    }

    void gemm(Tensor outTensor, Fp8Activations xActivations, LinearWeight weight) {
        CudaTensor out = Operands.f32(outTensor);
        CudaActivations x = Operands.cuda(xActivations);
        TiledWeight w = Operands.cuda(weight);
        checkShapes("gemm", out, x.rows(), x.cols(), w, 1);
        checkFormat("gemm", x, w);
        inLaunches(w.isScaled() ? gemm : denseGemm, out, w, (v, first, rows) -> {
            CudaTensor scales = w.isScaled() ? x.scales().rows(first, rows) : null;
            begin(v, out.rows(first, rows), x.codes().rows(first, rows), scales, w)
                    .i64(0)
                    .i64(0);
            finish(v, rows, w, Columns.of(x), x.scales().ld(), new Columns(out.ld(), 0, 0, false));
        });
    }

    void denseGemm(Tensor outTensor, Tensor xTensor, DenseWeight weight) {
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor x = Operands.f32(xTensor);
        TiledWeight w = Operands.cuda(weight);
        checkShapes("denseGemm", out, x.rows(), x.cols(), w, 1);
        inLaunches(denseGemm, out, w, (v, first, rows) -> {
            begin(v, out.rows(first, rows), x.rows(first, rows), null, w).i64(0).i64(0);
            finish(v, rows, w, new Columns(x.ld(), 0, 0, false), 0, new Columns(out.ld(), 0, 0, false));
        });
    }

    void headGemm(Tensor outTensor, int outStart, Tensor xTensor, int xStart, DenseWeight weight) {
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor x = Operands.f32(xTensor);
        TiledWeight w = Operands.cuda(weight);
        int heads = w.numGroups();
        Operands.multiple("headGemm: columns of out", out.cols(), heads);
        Operands.multiple("headGemm: columns of x", x.cols(), heads);
        Operands.atLeast("headGemm", w, "columns of a head of out", out.cols() / heads, outStart + (long) w.rows());
        Operands.atLeast("headGemm", w, "columns of a head of x", x.cols() / heads, xStart + (long) w.cols());
        Operands.atLeast("headGemm", w, "rows of x", x.rows(), out.rows());
        TiledKernels.Variant v = headGemm.forRows(out.rows());
        begin(v, out, x, null, w).i64(0).i64(0);
        Columns outColumns = new Columns(out.ld(), outStart, out.cols() / heads, false);
        finish(v, out.rows(), w, new Columns(x.ld(), xStart, x.cols() / heads, false), 0, outColumns);
    }

    void groupedGemm(
            Tensor outTensor, Fp8Activations xActivations, LinearWeight experts, Routing routing, boolean gather) {
        CudaTensor out = Operands.f32(outTensor);
        CudaActivations x = Operands.cuda(xActivations);
        TiledWeight w = Operands.cuda(experts);
        CudaTensor offsets = Operands.i32(routing.offsets());
        CudaTensor pairTokens = Operands.i32(routing.pairTokens());
        Operands.equal("groupedGemm: length of offsets", offsets.rows(), w.numGroups() + 1L);
        Operands.atLeast("groupedGemm: length of pairTokens", pairTokens.rows(), out.rows());
        checkShapes("groupedGemm", out, gather ? out.rows() : x.rows(), x.cols(), w, 1);
        checkFormat("groupedGemm", x, w);
        if (out.rows() == 0) {
            return;
        }
        TiledKernels kernels = w.isScaled() ? groupedGemm : groupedDenseGemm;
        TiledKernels.Variant v = kernels.forRows(
                rowsOfATouchedExpert(out.rows(), routing.expertIds().cols(), w.numGroups()));
        begin(v, out, x.codes(), w.isScaled() ? x.scales() : null, w)
                .i64(offsets.pointer())
                .i64(gather ? pairTokens.pointer() : 0);
        fields(v, 0, w, Columns.of(x), x.scales().ld(), new Columns(out.ld(), 0, 0, false));
        v.kernel().launch((long) numSms * v.blocksPerSm(), 1, v.threads());
    }

    /** With uniform routing: pairs / (E (1 − (1 − K / E)^T)). A matter of speed only. */
    private static double rowsOfATouchedExpert(long pairs, long topK, int experts) {
        double ofToken = Math.min(topK, experts);
        return pairs / (experts * (1 - Math.pow(1 - ofToken / experts, pairs / ofToken)));
    }

    private static void checkShapes(String op, CudaTensor out, long xRows, long xCols, TiledWeight w, int groups) {
        Operands.equal(op, w, "columns of out", out.cols(), (long) groups * w.rows());
        Operands.equal(op, w, "columns of x", xCols, (long) groups * w.cols());
        Operands.atLeast(op, w, "rows of x", xRows, out.rows());
    }

    private static void checkFormat(String op, CudaActivations x, TiledWeight w) {
        if (x.format().isScaled() != w.isScaled()) {
            throw new IllegalArgumentException(op + " " + w + ": " + x + " are of another format");
        }
        Operands.equal(op, w, "zeros before x", x.skewCols(), w.grid().skewBytes()); // bf16: 0
    }

    /** A launch for some rows of out. */
    private interface RowsLaunch {
        void launch(TiledKernels.Variant v, long firstRow, long rows);
    }

    /** One launch, or several of {@value #SPLIT_ROWS} rows if the weight is split. */
    private static void inLaunches(TiledKernels kernels, CudaTensor out, TiledWeight w, RowsLaunch rowsLaunch) {
        long step = w.numSplits() == 1 ? out.rows() : SPLIT_ROWS;
        for (long row = 0; row < out.rows(); row += step) {
            long rows = Math.min(step, out.rows() - row);
            rowsLaunch.launch(kernels.forRows(rows), row, rows);
        }
    }

    /**
     * Columns of an operand: from row to row, the first one's, and from group to group.
     *
     * @param stride in elements, as are the others
     * @param isPadded of x: with zeros to whole blocks, and in the type that the weight has; else f32
     */
    private record Columns(long stride, long start, long group, boolean isPadded) {
        static Columns of(CudaActivations x) {
            return new Columns(x.codes().ld(), 0, 0, true);
        }
    }

    /** The addresses of TiledGemmParams up to the tiles' rows; offsets and pairs follow. */
    private static LaunchBlock begin(
            TiledKernels.Variant v, CudaTensor out, CudaTensor x, @Nullable CudaTensor scales, TiledWeight w) {
        CudaTensor tileScales = w.tileScales();
        return v.kernel()
                .begin()
                .i64(out.pointer())
                .i64(x.pointer())
                .i64(scales == null ? 0 : scales.pointer())
                .i64(w.tiles().pointer())
                .i64(tileScales == null ? 0 : tileScales.pointer())
                .i64(w.tileRows().pointer());
    }

    /** The rest of TiledGemmParams. */
    private void fields(TiledKernels.Variant v, long rows, TiledWeight w, Columns x, long scaleStride, Columns out) {
        int bytesOfK = x.isPadded()
                ? w.grid().numBlocks() * TileGrid.BLOCK_BYTES
                : w.grid().rowBytes();
        v.kernel().i64(partials.pointer()).i64(arrivals.pointer()).i32(rows).i32(w.numGroups());
        v.kernel().i32(w.grid().numTiles()).i32(w.grid().numBlocks()).i32(bytesOfK);
        v.kernel()
                .i32(x.stride())
                .i32(x.start())
                .i32(x.group())
                .i32(scaleStride)
                .i32(1);
        v.kernel().i32(out.stride()).i32(out.start()).i32(out.group());
        v.kernel().flag(!x.isPadded()).flag(false).i32(w.numSplits());
    }

    private void finish(TiledKernels.Variant v, long rows, TiledWeight w, Columns x, long scaleStride, Columns out) {
        fields(v, rows, w, x, scaleStride, out);
        long items = w.numGroups() * v.rowSteps(rows) * v.tileSteps(w.grid().numTiles()) * w.numSplits();
        v.kernel().launch(Math.min(items, (long) numSms * v.blocksPerSm()), 1, v.threads());
    }
}
