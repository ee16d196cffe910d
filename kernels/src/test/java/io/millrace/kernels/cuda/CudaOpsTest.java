package io.millrace.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Numerics;
import io.millrace.kernels.OpsContract;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.WeightContract;
import org.junit.jupiter.api.Test;

/** The contract of all ops, on the emulated driver. */
class CudaOpsTest extends OpsContract implements WeightContract {
    @Override
    protected Backend open(int numThreads) {
        EmulatedDriver.require();
        return Backends.named("cuda", numThreads);
    }

    @Override
    protected Numerics numerics() {
        return Numerics.CUDA;
    }

    @Test
    void saysThatItIsEmulated() {
        assertThat(rank().device().info().name()).isEqualTo("EMULATED, not a GPU");
        assertThat(rank().device().info().description()).isEqualTo("CUDA 13.0, compute capability 9.0");
    }

    @Test
    void attentionOfOtherWidthsIsRefused() {
        Device device = rank().device();
        Tensor pages = device.allocate(DType.BF16, 64, 40);
        Tensor q = device.allocate(DType.F32, 1, 40);
        Tensor out = device.allocate(DType.F32, 1, 24);
        AttentionBatch batch = new AttentionBatch(q, q, q, 1);
        assertThatThrownBy(() -> rank().ops().mlaAttention(out, q, new KvLayer(pages, 64, 24, 16), batch, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("mlaAttention: latent + rope columns are 24 + 16 but there are kernels for "
                        + "[512 + 64, 64 + 32] only: use --backend cpu");
    }
}
