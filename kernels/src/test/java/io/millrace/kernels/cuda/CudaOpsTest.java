package io.millrace.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.Cases;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.NormCase;
import io.millrace.kernels.OpCase;
import io.millrace.kernels.OpsContract;
import io.millrace.kernels.RouteCase;
import io.millrace.kernels.Tensor;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The contract of the ops that have a cuda kernel, on the emulated driver. */
class CudaOpsTest extends OpsContract {
    @Override
    protected Backend open(int numThreads) {
        EmulatedDriver.require();
        return Backends.named("cuda", numThreads);
    }

    @Override
    protected List<OpCase> cases() {
        return Cases.all().stream()
                .filter(c -> c instanceof NormCase || c instanceof RouteCase)
                .toList();
    }

    @Test
    void saysThatItIsEmulated() {
        assertThat(rank().device().info().name()).isEqualTo("EMULATED, not a GPU");
        assertThat(rank().device().info().description()).isEqualTo("CUDA 13.0, compute capability 9.0");
    }

    @Test
    void whatIsMissingSaysSo() {
        Device device = rank().device();
        Tensor x = device.allocate(DType.F32, 1, 1);
        assertThatThrownBy(() -> device.uploadDense("lm_head.weight", DType.F32, ByteBuffer.allocate(4), 1, 1))
                .hasMessage(
                        "lm_head.weight: the cuda back end has no kernels for products and attention yet, so it can't "
                                + "run a model: use --backend cpu");
        assertThatThrownBy(() -> rank().ops().mlaAttention(x, x, null, null, 1))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessage("op mlaAttention has no cuda kernel yet: use --backend cpu");
    }
}
