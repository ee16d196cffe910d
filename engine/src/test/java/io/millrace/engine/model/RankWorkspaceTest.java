package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.LinearFormat;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Tensor;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The planner's formula is what a rank allocates, byte by byte. */
class RankWorkspaceTest {
    private static final int T = 48;
    private static final int S = 5;

    private long bytes;

    /** A device that only counts; activations as the cuda back end lays them out: whole groups of 128, each with an f32 if scaled. */
    private Device counting() {
        Device fake = new FakeDevice();
        return (Device) Proxy.newProxyInstance(
                Device.class.getClassLoader(), new Class<?>[] {Device.class}, (proxy, method, args) -> {
                    switch (method.getName()) {
                        case "allocate" -> {
                            long[] shape = (long[]) args[1];
                            bytes += Arrays.stream(shape).reduce(((DType) args[0]).elementBytes(), (a, b) -> a * b);
                            return fake.allocate((DType) args[0], shape);
                        }
                        case "allocateActivations" -> {
                            boolean isScaled = args.length < 3 || args[2] != LinearFormat.BF16;
                            long skew = args.length > 3 ? (int) args[3] : 0;
                            long groups = ((long) args[1] + skew + 127) / 128;
                            bytes += (long) args[0] * (isScaled ? groups * 132 : groups * 256 + 4);
                            return new Rows((long) args[0], (long) args[1]);
                        }
                        case "write" -> {
                            return null;
                        }
                        default -> throw new UnsupportedOperationException(method.getName());
                    }
                });
    }

    private record Rows(long rows, long cols) implements Fp8Activations {
        @Override
        public Fp8Activations firstRows(long count) {
            return new Rows(count, cols);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "r1, 1, 1",
        "r1, 8, 1",
        "r1, 8, 8",
        "r1, 1, 8",
        "r1, 4, 8",
        "tiny, 1, 1",
        "tiny, 2, 1",
        "tiny, 4, 4",
        "tiny, 4, 8",
        "tiny, 1, 8",
        "lite, 1, 1",
        "lite, 8, 1",
        "lite, 2, 4",
        "lite, 1, 8"
    })
    void formulaIsWhatARankAllocates(String name, int tp, int ep) {
        ModelConfig config = config(name);
        ParallelPlan plan = new ParallelPlan(tp, ep, ep > tp);
        long most = 0;
        for (int rank = 0; rank < plan.numRanks(); rank++) {
            bytes = 0;
            RankShare share = new RankShare(config, plan, rank);
            Device device = counting();
            Workspace.allocate(share, device, T);
            HeadRows.allocate(share, device, S);
            most = Math.max(most, bytes);
        }
        bytes = 0;
        DeepSeekModel.ropeTable(config, counting()); // the same on every rank
        most += bytes;
        RankWorkspace planned = new RankWorkspace(config, plan, T, S);
        assertThat(planned.sizeBytes(false)).isEqualTo(most);
        Tensor both = MtpHead.allocateInput(share(config, plan), counting(), T);
        assertThat(planned.sizeBytes(true) - planned.sizeBytes(false)).isEqualTo(both.rows() * both.cols() * 4);
    }

    private static ModelConfig config(String name) {
        return switch (name) {
            case "r1" -> TestConfigs.parse(TestConfigs.r1());
            case "tiny" -> TestConfigs.parse(TestConfigs.tinyR1());
            default -> ModelConfig.read(TestConfigs.PUBLISHED.resolve("deepseek-v2-lite.json"));
        };
    }

    private static RankShare share(ModelConfig config, ParallelPlan plan) {
        return new RankShare(config, plan, 0);
    }
}
