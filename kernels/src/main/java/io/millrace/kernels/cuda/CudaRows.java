package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Tensor;

/** The ops that treat each row by itself: embedding, norms, activations, copies. Thread: the rank's. */
final class CudaRows {
    private static final int ROW_THREADS = 256;
    private static final int GROUPS_PER_BLOCK = 8; // kGroupsPerBlock

    private final long fault;
    private final LaunchBlock embed;
    private final LaunchBlock rmsNorm;
    private final LaunchBlock addRmsNorm;
    private final LaunchBlock quantize;
    private final LaunchBlock siluMulQuantize;
    private final LaunchBlock gatherRows;
    private final LaunchBlock copyPages;

    CudaRows(CudaImage image, long faultAddress) {
        fault = faultAddress;
        embed = image.kernel("embed");
        rmsNorm = image.kernel("rms_norm");
        addRmsNorm = image.kernel("add_rms_norm");
        quantize = image.kernel("quantize");
        siluMulQuantize = image.kernel("silu_mul_quantize");
        gatherRows = image.kernel("gather_rows");
        copyPages = image.kernel("copy_pages");
    }

    void embed(Tensor outTensor, Tensor tableTensor, Tensor idTensor, int firstId, long vocabulary) {
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor table = Operands.floating(tableTensor);
        CudaTensor ids = Operands.i32(idTensor);
        Operands.equal("embed: columns of table", table.cols(), out.cols());
        Operands.atLeast("embed: length of ids", ids.rows(), out.rows());
        embed.begin().rows(out).rows(table).rows(ids).i64(fault);
        embed.i32(out.cols())
                .i32(vocabulary)
                .i32(firstId)
                .i32(table.rows())
                .flag(table.dtype() == DType.BF16)
                .i32(0);
        embed.launch(out.rows(), 1, ROW_THREADS);
    }

    void rmsNorm(Tensor outTensor, Tensor xTensor, Tensor weightTensor, float eps) {
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor x = Operands.f32(xTensor);
        CudaTensor weight = checkedWeight("rmsNorm", out, x, weightTensor);
        rmsNorm.begin().rows(out).rows(x).vector(weight).i32(out.cols()).f32(eps);
        rmsNorm.launch(out.rows(), 1, ROW_THREADS);
    }

    void addRmsNorm(Tensor outTensor, Tensor residualTensor, Tensor xTensor, Tensor weightTensor, float eps) {
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor residual = Operands.f32(residualTensor);
        CudaTensor x = Operands.f32(xTensor);
        Operands.equal("addRmsNorm: columns of residual", residual.cols(), x.cols());
        Operands.atLeast("addRmsNorm: rows of residual", residual.rows(), out.rows());
        CudaTensor weight = checkedWeight("addRmsNorm", out, x, weightTensor);
        addRmsNorm.begin().rows(out).rows(residual).rows(x).vector(weight);
        addRmsNorm.i32(out.cols()).f32(eps);
        addRmsNorm.launch(out.rows(), 1, ROW_THREADS);
    }

    private static CudaTensor checkedWeight(String op, CudaTensor out, CudaTensor x, Tensor weightTensor) {
        CudaTensor weight = Operands.f32(weightTensor);
        Operands.equal(op, weight, "columns of x", x.cols(), out.cols());
        Operands.atLeast(op, weight, "rows of x", x.rows(), out.rows());
        Operands.equal(op, weight, "elements", weight.rows() * weight.cols(), out.cols());
        return weight;
    }

    void quantize(Fp8Activations outActivations, Tensor xTensor) {
        CudaActivations out = Operands.cuda(outActivations);
        CudaTensor x = Operands.f32(xTensor);
        Operands.equal("quantize: columns of x", x.cols(), out.cols());
        Operands.atLeast("quantize: rows of out", out.rows(), x.rows());
        quantize.begin().codes(out).rows(x).i32(x.cols()).i32(out.numGroups());
        quantize.i32(out.skewCols()).i32(formatOf(out));
        quantize.launch(x.rows(), blocksOf(out), 32 * GROUPS_PER_BLOCK);
    }

    void siluMulQuantize(Fp8Activations outActivations, Tensor gateUpTensor) {
        CudaActivations out = Operands.cuda(outActivations);
        CudaTensor gateUp = Operands.f32(gateUpTensor);
        Operands.equal("siluMulQuantize: columns of gateUp", gateUp.cols(), 2 * out.cols());
        Operands.atLeast("siluMulQuantize: rows of out", out.rows(), gateUp.rows());
        siluMulQuantize.begin().codes(out).rows(gateUp).i32(out.cols()).i32(out.numGroups());
        siluMulQuantize.i32(out.skewCols()).i32(formatOf(out));
        siluMulQuantize.launch(gateUp.rows(), blocksOf(out), 32 * GROUPS_PER_BLOCK);
    }

    /** As quantize.cuh numbers them. */
    private static int formatOf(CudaActivations out) {
        return switch (out.format()) {
            case E4M3 -> 0;
            case E4M3_UE8M0 -> 1;
            case BF16 -> 2;
        };
    }

    private static int blocksOf(CudaActivations out) {
        return (out.numGroups() + GROUPS_PER_BLOCK - 1) / GROUPS_PER_BLOCK;
    }

    void gatherRows(Tensor outTensor, Tensor xTensor, Tensor rowTensor) {
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor x = Operands.f32(xTensor);
        CudaTensor rows = Operands.i32(rowTensor);
        Operands.equal("gatherRows: columns of x", x.cols(), out.cols());
        Operands.atLeast("gatherRows: length of rows", rows.rows(), out.rows());
        gatherRows
                .begin()
                .rows(out)
                .rows(x)
                .rows(rows)
                .i64(fault)
                .i32(out.cols())
                .i32(x.rows());
        gatherRows.launch(out.rows(), 1, ROW_THREADS);
    }

    /** All pairs at once: no page may be both read and written. */
    void copyPages(KvLayer kv, Tensor pairTensor) {
        CudaTensor pages = Operands.floating(kv.pages());
        CudaTensor pairs = Operands.i32(pairTensor);
        Operands.equal("copyPages: columns of pairs", pairs.cols(), 2);
        copyPages.begin().rows(pages).rows(pairs).i64(fault).i32(pages.cols()).i32(kv.pageTokens());
        copyPages.i32(pages.rows() / kv.pageTokens()).flag(pages.dtype() == DType.BF16);
        copyPages.launch(pairs.rows(), kv.pageTokens(), ROW_THREADS);
    }
}
