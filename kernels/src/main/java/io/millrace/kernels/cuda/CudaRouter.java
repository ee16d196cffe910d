package io.millrace.kernels.cuda;

import io.millrace.kernels.RouterSpec;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;

/** Chooses experts, lists the pairs of a rank's experts in order, and adds the experts' rows up again. Thread: the rank's. */
final class CudaRouter {
    private static final int MAX_EXPERTS = 512; // kMaxExperts
    private static final int MAX_GROUPS = 32; // a lane each
    private static final int TOKENS_PER_BLOCK = 4; // kTokensPerBlock
    private static final int EXPERTS_PER_BLOCK = 4;
    private static final int COLUMNS_PER_BLOCK = 256;

    private final long fault;
    private final LaunchBlock route;
    private final LaunchBlock routePairs;
    private final LaunchBlock combine;

    CudaRouter(CudaImage image, long faultAddress) {
        fault = faultAddress;
        route = image.kernel("route");
        routePairs = image.kernel("route_pairs");
        combine = image.kernel("combine");
    }

    void route(Routing out, Tensor logitsTensor, Tensor biasTensor, RouterSpec spec) {
        CudaTensor logits = Operands.f32(logitsTensor);
        CudaTensor bias = Operands.f32(biasTensor);
        CudaTensor ids = Operands.i32(out.expertIds());
        CudaTensor weights = Operands.f32(out.weights());
        int experts = spec.numExperts();
        int topK = spec.numExpertsPerTok();
        Operands.atMost("route: numExperts", experts, MAX_EXPERTS);
        Operands.atMost("route: nGroup", spec.nGroup(), MAX_GROUPS);
        Operands.equal("route: columns of logits", logits.cols(), experts);
        Operands.equal("route: elements of bias", bias.rows() * bias.cols(), experts);
        Operands.equal("route: columns of expertIds", ids.cols(), topK);
        Operands.equal("route: columns of weights", weights.cols(), topK);
        Operands.atLeast("route: rows of expertIds", ids.rows(), logits.rows());
        Operands.atLeast("route: rows of weights", weights.rows(), logits.rows());
        route.begin().rows(ids).rows(weights).rows(logits).vector(bias);
        route.i32(logits.rows()).i32(experts).i32(topK).i32(spec.nGroup()).i32(spec.topkGroup());
        route.flag(spec.isSigmoid()).flag(spec.normTopkProb()).f32(spec.routedScalingFactor());
        route.launch((logits.rows() + TOKENS_PER_BLOCK - 1) / TOKENS_PER_BLOCK, 1, 32 * TOKENS_PER_BLOCK);
    }

    void listPairs(Routing out, int firstExpert) {
        CudaTensor ids = Operands.i32(out.expertIds());
        CudaTensor offsets = Operands.i32(out.offsets());
        CudaTensor pairTokens = Operands.i32(out.pairTokens());
        CudaTensor pairRows = Operands.i32(out.pairRows());
        long experts = offsets.rows() - 1;
        long rows = ids.rows();
        Operands.atLeast("listPairs: length of pairTokens", pairTokens.rows(), rows * Math.min(ids.cols(), experts));
        Operands.atLeast("listPairs: rows of pairRows", pairRows.rows(), rows);
        Operands.equal("listPairs: columns of pairRows", pairRows.cols(), ids.cols());
        routePairs.begin().rows(ids).rows(offsets).rows(pairTokens).rows(pairRows);
        routePairs.i32(rows).i32(ids.cols()).i32(experts).i32(firstExpert);
        routePairs.launch((experts + EXPERTS_PER_BLOCK) / EXPERTS_PER_BLOCK, 1, 32 * EXPERTS_PER_BLOCK);
    }

    void combine(Tensor outTensor, Tensor expertOutTensor, Routing routing, Tensor sharedTensor) {
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor expertOut = Operands.f32(expertOutTensor);
        CudaTensor shared = Operands.f32(sharedTensor);
        CudaTensor weights = Operands.f32(routing.weights());
        CudaTensor pairRows = Operands.i32(routing.pairRows());
        Operands.equal("combine: columns of expertOut", expertOut.cols(), out.cols());
        Operands.equal("combine: columns of shared", shared.cols(), out.cols());
        Operands.atLeast("combine: rows of shared", shared.rows(), out.rows());
        Operands.atLeast("combine: rows of weights", weights.rows(), out.rows());
        Operands.atLeast("combine: rows of pairRows", pairRows.rows(), out.rows());
        Operands.equal("combine: columns of pairRows", pairRows.cols(), weights.cols());
        combine.begin()
                .rows(out)
                .rows(expertOut)
                .rows(shared)
                .rows(weights)
                .rows(pairRows)
                .i64(fault);
        combine.i32(out.cols()).i32(weights.cols()).i32(expertOut.rows()).i32(0);
        combine.launch(out.rows(), (out.cols() + COLUMNS_PER_BLOCK - 1) / COLUMNS_PER_BLOCK, COLUMNS_PER_BLOCK);
    }
}
