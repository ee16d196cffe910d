package io.millrace.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.DType;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Inputs;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What goes wrong on a device is one clear {@link DeviceException}, at the call or at the next read. */
class CudaFailuresTest {
    private static final int OLD_DEVICE = 99; // of the emulated driver: compute capability 8.0
    private static final long ILLEGAL_ADDRESS = 0xbad0L << 48; // the emulated driver knows it

    private final CudaBackend backend = new CudaBackend();

    @BeforeEach
    void require() {
        EmulatedDriver.require();
    }

    @AfterEach
    void close() {
        backend.close();
    }

    private Rank open() {
        return backend.open(ParallelPlan.SINGLE).get(0);
    }

    @Test
    void aDeviceBeforeHopperIsRefused() {
        open(); // loads the driver
        assertThatThrownBy(() -> new CudaDevice(OLD_DEVICE))
                .isInstanceOf(DeviceException.class)
                .hasMessage(
                        "the kernels of this build are for compute capability 9.0 (H100, H200) and don't load here: "
                                + "CUDA_ERROR_NO_BINARY_FOR_GPU (209, emulated): use such a device or --backend cpu");
    }

    @Test
    void aWeightThatDoesntFitIsNamed() {
        Rank rank = open();
        Tensor most = rank.device().allocate(DType.E4M3, (4L << 30) - (160 << 20)); // of the emulated 4 GiB
        assertThat(most.rows()).isPositive();
        assertThatThrownBy(() -> rank.device()
                        .uploadDense(
                                "lm_head.weight", DType.BF16, ByteBuffer.allocate(2 * 64 * 2048 * 1024), 65536, 2048))
                .isInstanceOf(DeviceException.class)
                .hasMessageStartingWith("lm_head.weight E4M3 [32768, 8192] needs 268,435,456 bytes, ")
                .hasMessageEndingWith("are free: lower kv-cache-bytes or use more ranks");
    }

    @Test
    void aLaunchThatTheDriverRefusesIsNamed() {
        CudaDevice device = (CudaDevice) open().device();
        LaunchBlock kernel = device.image().kernel("mla_attention_plan");
        LaunchBlock begun = kernel.begin();
        for (int i = 0; i < 8; i++) {
            begun = begun.i64(0);
        }
        LaunchBlock filled = begun;
        assertThatThrownBy(() -> filled.launch(1, 1, 2048))
                .isInstanceOf(DeviceException.class)
                .hasMessageStartingWith("launch of mla_attention_plan over 1 × 1 blocks of 2048 failed: "
                        + "CUDA_ERROR_INVALID_VALUE (1, emulated)");
    }

    /** Noticed by the launch itself or by the next read, and again by all that follow: the process has to go. */
    @Test
    void anIllegalAddressFailsTheNextReadAndAllThatFollow() {
        Rank rank = open();
        CudaTensor nowhere = new CudaTensor(DType.F32, new long[] {1, 8}, ILLEGAL_ADDRESS);
        Tensor out = rank.device().allocate(DType.F32, 1, 8);
        Tensor row = rank.device().allocate(DType.I32, 1);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> {
                        rank.ops().gatherRows(out, nowhere, row);
                        Inputs.floats(rank.device(), out);
                    })
                    .isInstanceOf(DeviceException.class)
                    .hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS (700, emulated)")
                    .hasMessageEndingWith("the device is unusable for this process; restart it, and see nvidia-smi and "
                            + "the kernel log (Xid)");
        }
    }
}
