package io.millrace.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.CapturedStep;
import io.millrace.kernels.DType;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Inputs;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Memory, transfers, graphs and failures of a {@link CudaDevice}, on the emulated driver. */
class CudaDeviceTest {
    private final CudaBackend backend = open();
    private final CudaDevice device =
            (CudaDevice) backend.open(ParallelPlan.SINGLE).get(0).device();
    private final CudaOps ops = new CudaOps(device);

    private static CudaBackend open() {
        EmulatedDriver.require();
        return new CudaBackend();
    }

    @AfterEach
    void close() {
        backend.close();
    }

    @Test
    void copiesLargerThanTheStagingMemoryGoInPieces() {
        int[] numbers = new SplittableRandom(1).ints(3_500_001).toArray(); // more than three pieces of 4 MiB
        Tensor t = Inputs.tensor(device, numbers, numbers.length);
        assertThat(Inputs.ints(device, t)).isEqualTo(numbers);
        float[] floats = Inputs.floats(new SplittableRandom(2), 1_100_000);
        Tensor up = device.upload("t", DType.F32, Inputs.f32Bytes(floats), floats.length);
        assertThat(Inputs.floats(device, up)).isEqualTo(floats);
    }

    @Test
    void severalThreadsUpload() throws Exception {
        ExecutorService loaders = Executors.newFixedThreadPool(4);
        List<Future<Tensor>> uploads = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            float[] values = Inputs.floats(new SplittableRandom(i), 300_000);
            Callable<Tensor> upload = () -> device.upload("t", DType.F32, Inputs.f32Bytes(values), values.length);
            uploads.add(loaders.submit(upload));
        }
        for (int i = 0; i < 16; i++) {
            assertThat(Inputs.floats(device, uploads.get(i).get()))
                    .isEqualTo(Inputs.floats(new SplittableRandom(i), 300_000));
        }
        loaders.shutdown();
    }

    @Test
    void graphsReadWhatWasWrittenSinceTheyWereCaptured() {
        Tensor x = Inputs.tensor(device, new float[] {10, 20, 30}, 3, 1);
        Tensor rows = Inputs.tensor(device, new int[] {0, 0}, 2);
        Tensor out = device.allocate(DType.F32, 2, 1);
        CapturedStep step = device.capture(() -> ops.gatherRows(out, x, rows));
        for (int[] wanted : new int[][] {{2, 1}, {1, 0}}) {
            device.write(rows, wanted, 2);
            step.replay();
            assertThat(Inputs.floats(device, out)).containsExactly(10 * wanted[0] + 10, 10 * wanted[1] + 10);
        }
    }

    @Test
    void transfersInsideACapturedStepAreRefused() {
        Tensor t = device.allocate(DType.I32, 1);
        assertThatThrownBy(() -> device.capture(() -> device.write(t, new int[1], 1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("write inside a captured step: move it before or after");
        device.write(t, new int[] {7}, 1);
        assertThat(Inputs.ints(device, t)).containsExactly(7);
    }

    @Test
    void fullMemoryHasNumbersAndAWayOut() {
        assertThatThrownBy(() -> device.allocate(DType.BF16, 1L << 32, 3))
                .isInstanceOf(DeviceException.class)
                .hasMessageStartingWith("tensor BF16 [4294967296, 3] needs 25,769,803,776 bytes, ")
                .hasMessageEndingWith(
                        " of the device's 4,294,967,296 are free: lower kv-cache-bytes or use more ranks");
        assertThatThrownBy(() -> device.allocate(DType.F32, 1L << 40, 1L << 40))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("has an impossible size");
    }

    @Test
    void faultsOfAKernelStay() {
        Tensor x = device.allocate(DType.F32, 3, 1);
        ops.gatherRows(device.allocate(DType.F32, 2, 1), x, Inputs.tensor(device, new int[] {0, -5}, 2));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> Inputs.floats(device, x))
                    .isInstanceOf(DeviceException.class)
                    .hasMessage("gatherRows: row 1 is -5 but must be in 0 … 2");
        }
    }

    @Test
    void parametersAreChecked() {
        LaunchBlock kernel = device.image().kernel("gather_rows");
        assertThatThrownBy(() -> kernel.begin().i64(0).launch(1, 1, 32))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(
                        "kernel gather_rows takes 64 bytes of parameters, got 8: the .cu file and its caller differ");
        assertThatThrownBy(() -> device.image().kernel("gemm2"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("no kernel gemm2 in the image");
    }

    @Test
    void atMostEightRanks() {
        assertThatThrownBy(() -> backend.open(new ParallelPlan(2, 16, true)))
                .isInstanceOf(DeviceException.class)
                .hasMessage(
                        "plan tp2-ep16-dpattn needs 16 GPUs, there are 8 and the cuda back end joins at most 8: lower tp "
                                + "and ep, or use --backend cpu");
    }
}
