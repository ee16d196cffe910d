package io.millrace.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.ParallelPlan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** A machine without a driver gets one clear refusal, the second time too. */
class MissingDriverTest {
    @Test
    void saysWhatIsMissingAndHowToGetIt() {
        boolean hasDriver = Stream.of(
                        "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib/wsl/lib", "/usr/local/cuda/compat")
                .anyMatch(folder -> Files.exists(Path.of(folder, "libcuda.so.1")));
        Assumptions.assumeFalse(
                hasDriver || System.getenv("MILLRACE_EMULATED_DRIVER") != null, "this machine has a CUDA driver");
        for (int i = 0; i < 2; i++) {
            try (Backend backend = Backends.named("cuda", 1)) {
                assertThatThrownBy(() -> backend.open(ParallelPlan.SINGLE))
                        .isInstanceOf(DeviceException.class)
                        .hasMessageStartingWith("no CUDA driver: ")
                        .hasMessageEndingWith("or use --backend cpu");
            }
        }
    }
}
