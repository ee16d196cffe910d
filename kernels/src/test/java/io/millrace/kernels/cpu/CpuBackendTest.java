package io.millrace.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.DeviceInfo;
import io.millrace.kernels.ParallelPlan;
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

    private static long namedThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith("millrace-cpu-"))
                .count();
    }
}
