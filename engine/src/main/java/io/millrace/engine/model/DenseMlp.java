package io.millrace.engine.model;

import io.millrace.kernels.Collective;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;

/** {@code down(silu(gate(x)) · up(x))}: the feed-forward part of a dense layer, and the shared experts. Thread: the rank's. */
final class DenseMlp implements Block {
    private final Ops ops;
    private final Collective collective;
    private final MlpWeights weights;

    DenseMlp(Rank rank, MlpWeights weights) {
        ops = rank.ops();
        collective = rank.collective();
        this.weights = weights;
    }

    @Override
    public void forward(Workspace ws, ModelStep step, KvLayer kv) {
        ops.quantize(ws.hidden(), ws.normed());
        forward(ws.update(), ws.hidden(), ws.dense());
        collective.allReduce(ws.update());
    }

    /** Computes out [T, D], this rank's part of the sum over its group, from x [T, D] by way of {@code between}. */
    void forward(Tensor out, Fp8Activations x, Workspace.Mlp between) {
        ops.gemm(between.gateUp(), x, weights.gateUp()); // [T, 2F]
        ops.siluMulQuantize(between.activated(), between.gateUp()); // [T, F]
        ops.gemm(out, between.activated(), weights.down()); // [T, D]
    }
}
