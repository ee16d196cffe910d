package io.millrace.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.Device;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.DeviceInfo;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.ParallelPlan;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class CpuBackendTest {
    @Test
    void isFoundByName() {
        try (Backend backend = Backends.named("cpu", 2)) {
            assertThat(backend.name()).isEqualTo("cpu");
            DeviceInfo info = backend.open(ParallelPlan.SINGLE).get(0).device().info();
            assertThat(info.description()).contains("2 threads");
            assertThat(info.freeBytes()).isPositive().isLessThan(info.totalBytes());
        }
        assertThatThrownBy(() -> Backends.named("tpu", 1))
                .isInstanceOf(DeviceException.class)
                .hasMessage("no back end \"tpu\": this build has cpu, cuda");
    }

    @Test
    void refusesNoThreadsAndUseAfterClose() {
        assertThatThrownBy(() -> Backends.named("cpu", 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0 threads");
        Backend backend = Backends.named("cpu", 1);
        backend.close();
        assertThatThrownBy(() -> backend.open(ParallelPlan.SINGLE))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void closingEndsTheThreadsOfAllRanks() {
        try (Backend backend = Backends.named("cpu", 6)) {
            backend.open(new ParallelPlan(2, 1, false));
            assertThat(namedThreads()).isEqualTo(4);
        }
        assertThat(namedThreads()).isZero();
    }

    @Test
    void refusesAPartWhoseScalesItCantFollow() {
        ByteBuffer scales = ByteBuffer.allocate(4 * 4);
        Fp8Matrix part = new Fp8Matrix(ByteBuffer.allocate(200 * 200), scales, 200, 200).part(0, 64, 100, 50);
        try (Backend backend = Backends.named("cpu", 1)) {
            Device device = backend.open(ParallelPlan.SINGLE).get(0).device();
            assertThatThrownBy(() -> device.uploadFp8("down", List.of(List.of(part))))
                    .isInstanceOf(DeviceException.class)
                    .hasMessage(
                            "down: columns 100 … 149 of a larger matrix begin at no multiple of 128: the cpu back end can't"
                                    + " split it so; lower tp, or use --backend cuda");
        }
    }

    private static long namedThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith("millrace-cpu-"))
                .count();
    }
}
