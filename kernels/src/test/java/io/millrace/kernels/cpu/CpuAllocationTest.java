package io.millrace.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.Fp8Weight;
import io.millrace.kernels.Inputs;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.RouteCase;
import io.millrace.kernels.RouterSpec;
import io.millrace.kernels.Routing;
import io.millrace.kernels.SamplingBatch;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.cpu.simd.ScalarLanes;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import org.junit.jupiter.api.Test;

/** With plain loops, because vectors are objects until they are compiled. */
class CpuAllocationTest {
    private static final int ROWS = 8;
    private static final int N = 128;
    private static final int K = 64;
    private static final int STEPS = 20;

    @Test
    void aStepAllocatesNothing() {
        try (CpuBackend backend = new CpuBackend(1, new ScalarLanes())) {
            Runnable step = step(backend.open(ParallelPlan.SINGLE).get(0));
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long id = Thread.currentThread().getId();
            allocated(step, threads, id); // scratch grows, and the measurement itself loads classes
            assertThat(allocated(step, threads, id))
                    .as("bytes of %d steps", STEPS)
                    .isZero();
        }
    }

    private static long allocated(Runnable step, ThreadMXBean threads, long id) {
        long before = threads.getThreadAllocatedBytes(id);
        for (int i = 0; i < STEPS; i++) {
            step.run();
        }
        return threads.getThreadAllocatedBytes(id) - before;
    }

    private static Runnable step(Rank rank) {
        Device device = rank.device();
        Ops ops = rank.ops();
        Fp8Matrix matrix = new Fp8Matrix(ByteBuffer.allocate(N * K), Inputs.f32Bytes(new float[1]), N, K);
        Fp8Weight w = device.uploadFp8("w", Collections.singletonList(Collections.singletonList(matrix)));
        Fp8Weight experts = device.uploadFp8("e", Collections.nCopies(4, Collections.singletonList(matrix)));
        Tensor x = device.allocate(DType.F32, ROWS, K);
        Tensor weight = device.allocate(DType.F32, K);
        Tensor out = device.allocate(DType.F32, ROWS, N);
        Tensor expertOut = device.allocate(DType.F32, ROWS * 2, N);
        Fp8Activations activations = device.allocateActivations(ROWS, K);
        RouterSpec spec = new RouterSpec(4, 2, 2, 1, true, true, 1);
        Routing routing = RouteCase.allocate(device, ROWS, spec);
        Tensor routerLogits = device.allocate(DType.F32, ROWS, 4);
        Tensor bias = device.allocate(DType.F32, 4);
        KvLayer kv = new KvLayer(device.allocate(DType.F32, 128, 48), 64, 32, 16);
        Tensor q = device.allocate(DType.F32, ROWS, 2, 48);
        Tensor z = device.allocate(DType.F32, ROWS, 2, 32);
        AttentionBatch attention = new AttentionBatch(
                Inputs.tensor(device, new int[] {0, ROWS}, 2),
                Inputs.tensor(device, new int[] {100}, 1),
                Inputs.tensor(device, new int[] {0, 1}, 1, 2),
                1);
        SamplingBatch sampling = sampling();
        Tensor logits = device.allocate(DType.F32, ROWS, N);
        Tensor ids = device.allocate(DType.I32, ROWS);
        Tensor topIds = device.allocate(DType.I32, ROWS, 6);
        Tensor logprobs = device.allocate(DType.F32, ROWS, 6);
        return () -> {
            ops.addRmsNorm(x, x, x, weight, 1);
            ops.quantize(activations, x);
            ops.gemm(out, activations, w);
            ops.mlaAttention(z, q, kv, attention, 1);
            ops.route(routing, routerLogits, bias, spec);
            ops.listPairs(routing, 0);
            ops.groupedGemm(expertOut, activations, experts, routing, true);
            ops.siluMulQuantize(activations, out);
            ops.combine(out, expertOut, routing, out);
            ops.sample(ids, logits, sampling);
            ops.topLogprobs(topIds, logprobs, logits, ids, N);
        };
    }

    private static SamplingBatch sampling() {
        SamplingBatch batch = new SamplingBatch(ROWS);
        batch.numRows = ROWS;
        batch.numTokens = N;
        Arrays.fill(batch.temperature, 1);
        Arrays.fill(batch.topP, 0.9f);
        Arrays.fill(batch.topK, 50);
        return batch;
    }
}
