package io.millrace.kernels.cuda;

import io.millrace.kernels.AttentionCase;
import io.millrace.kernels.BitsAssert;
import io.millrace.kernels.DType;
import io.millrace.kernels.DenseCase;
import io.millrace.kernels.GemmCase;
import io.millrace.kernels.LinearFormat;
import io.millrace.kernels.Numerics;
import io.millrace.kernels.OpCase;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** DeepSeek R1's shapes on one of eight tensor-parallel ranks, few rows, on the emulated driver; weights with few tiles are split along k. */
class CudaRankShapesTest {
    private static final Numerics CUDA = Numerics.CUDA;

    private final CudaBackend backend = open();
    private final Rank rank = backend.open(ParallelPlan.SINGLE).get(0);

    private static CudaBackend open() {
        EmulatedDriver.require();
        return new CudaBackend();
    }

    @AfterEach
    void close() {
        backend.close();
    }

    @TestFactory
    Stream<DynamicTest> oneRankOfR1AndV2Lite() {
        return Stream.of(
                        shape("q_a", new GemmCase(CUDA, 2, 7168, 0, 1536)),
                        shape("kv_a", new GemmCase(CUDA, 3, 7168, 0, 576)),
                        shape("q_b", new GemmCase(CUDA, 2, 1536, 0, 3072)),
                        shape("o", new GemmCase(CUDA, 1, 2048, 0, 7168)),
                        shape("dense gate, up", new GemmCase(CUDA, 1, 7168, 0, 2304, 2304)),
                        shape("dense down", new GemmCase(CUDA, 1, 2304, 0, 7168)),
                        shape("shared gate, up", new GemmCase(CUDA, 9, 7168, 0, 256, 256)),
                        shape("shared down", new GemmCase(CUDA, 3, 256, 0, 7168)),
                        shape("gate, up of 4 experts", new GemmCase(CUDA, 3, 7168, 4, 256, 256)),
                        shape("down of 4 experts", new GemmCase(CUDA, 3, 256, 4, 7168)),
                        shape("V2-Lite's q", new GemmCase(LinearFormat.BF16, CUDA, 2, 2048, 0, 3072)),
                        shape("V2-Lite's dense down", new GemmCase(LinearFormat.BF16, CUDA, 1, 10944, 0, 2048)),
                        shape(
                                "gate, up of 4 of V2-Lite's experts",
                                new GemmCase(LinearFormat.BF16, CUDA, 3, 2048, 4, 1408, 1408)),
                        shape(
                                "down of 4 of V2-Lite's experts",
                                new GemmCase(LinearFormat.BF16, CUDA, 3, 1408, 4, 2048)),
                        shape("router", new DenseCase(CUDA, DType.BF16, 9, 0, 256, 7168)),
                        shape("an eighth of a rank's head", new DenseCase(CUDA, DType.BF16, 1, 0, 2020, 7168)),
                        shape("q to latent", new DenseCase(CUDA, DType.F32, 2, 16, 512, 128)),
                        shape("latent to v", new DenseCase(CUDA, DType.F32, 2, 16, 128, 512)),
                        shape(
                                "attention",
                                new AttentionCase(CUDA, 16, 512, 64, 64, new int[] {1300, 30}, new int[] {1, 2})))
                .map(this::test);
    }

    private record Shape(String name, OpCase oneCase) {}

    private static Shape shape(String name, OpCase oneCase) {
        return new Shape(name, oneCase);
    }

    /** The oracle's answer, and the first row alone has the bits that it has among others. */
    private DynamicTest test(Shape s) {
        OpCase c = s.oneCase();
        String what = s.name() + ": " + c;
        return DynamicTest.dynamicTest(what, () -> {
            float[] all = c.run(rank, 0, c.rows());
            BitsAssert.assertClose(what, all, c.expected(), c.magnitude(), c.bound(), c.cols());
            if (c.rows() > 1) {
                float[] first = Arrays.copyOf(all, c.cols());
                BitsAssert.assertSameBits(what + ", row 0 alone", c.run(rank, 0, 1), first, c.cols());
            }
        });
    }
}
