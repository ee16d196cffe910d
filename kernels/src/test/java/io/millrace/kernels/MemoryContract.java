package io.millrace.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.millrace.kernels.numeric.YarnRope;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What every back end does with memory: uploads, views, rows, pages, the cache. */
public interface MemoryContract {
    /** The rank under test. */
    Rank rank();

    @Test
    default void embedsBf16AndF32Rows() {
        Device device = rank().device();
        float[] table = Inputs.asBf16(Inputs.floats(new SplittableRandom(1), 7 * 5));
        Tensor ids = Inputs.tensor(device, new int[] {6, 0, 6}, 3);
        for (DType dtype : new DType[] {DType.BF16, DType.F32}) {
            Tensor t = device.upload(
                    "t", dtype, dtype == DType.BF16 ? Inputs.bf16Bytes(table) : Inputs.f32Bytes(table), 7, 5);
            Tensor out = device.allocate(DType.F32, 3, 5);
            rank().ops().embed(out, t, ids);
            float[] rows = Inputs.floats(device, out);
            assertThat(Inputs.rows(rows, 0, 1, 5)).isEqualTo(Inputs.rows(table, 6, 7, 5));
            assertThat(Inputs.rows(rows, 1, 2, 5)).isEqualTo(Inputs.rows(table, 0, 1, 5));
            assertThat(Inputs.rows(rows, 2, 3, 5)).isEqualTo(Inputs.rows(table, 6, 7, 5));
        }
    }

    @Test
    default void viewsShareMemory() {
        Device device = rank().device();
        Tensor t = Inputs.tensor(device, new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 3, 4);
        assertThat(t.firstRows(2).shape()).containsExactly(2, 4);
        Tensor view = t.firstRows(2).columns(1, 2);
        assertThat(view.shape()).containsExactly(2, 2);
        Tensor out = device.allocate(DType.F32, 2, 2);
        rank().ops().gatherRows(out, view, Inputs.tensor(device, new int[] {1, 0}, 2));
        assertThat(Inputs.floats(device, out)).containsExactly(5, 6, 1, 2);
        assertThatThrownBy(() -> t.columns(3, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("columns 3 … 4")
                .hasMessageContaining("[3, 4]");
        assertThatThrownBy(() -> t.firstRows(4))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("first 4 rows");
    }

    @Test
    default void copiesPages() {
        Device device = rank().device();
        float[] values = Inputs.floats(new SplittableRandom(2), 4 * 8 * 6);
        Tensor pages = Inputs.tensor(device, values, 4 * 8, 6);
        rank().ops().copyPages(new KvLayer(pages, 8, 4, 2), Inputs.tensor(device, new int[] {3, 0, 1, 2}, 2, 2));
        float[] now = Inputs.floats(device, pages);
        assertThat(Inputs.rows(now, 0, 8, 6)).isEqualTo(Inputs.rows(values, 24, 32, 6));
        assertThat(Inputs.rows(now, 8, 16, 6)).isEqualTo(Inputs.rows(values, 8, 16, 6));
        assertThat(Inputs.rows(now, 16, 24, 6)).isEqualTo(Inputs.rows(values, 8, 16, 6));
    }

    @Test
    default void ropeRotatesTheKnownVectorInQueryAndKey() {
        Device device = rank().device();
        YarnRope.Table table = new YarnRope(64, 10_000, new YarnRope.Scaling(40, 4096, 32, 1, 1, 1)).table(8);
        float[] latent = new float[2 + 64];
        float[] q = new float[2 * (3 + 64)];
        for (int k = 0; k < 64; k++) {
            latent[2 + k] = (k + 1) / 64f;
            q[3 + k] = latent[2 + k];
            q[3 + 64 + 3 + k] = -latent[2 + k];
        }
        latent[0] = 5;
        latent[1] = 6;
        Tensor pages = device.allocate(DType.F32, 4, 66);
        Tensor absorbed = device.allocate(DType.F32, 1, 2, 66);
        StepTensors step = new StepTensors(
                device.allocate(DType.I32, 1),
                Inputs.tensor(device, new int[] {7}, 1),
                Inputs.tensor(device, new int[] {2}, 1));
        RopeTable rope =
                new RopeTable(Inputs.tensor(device, table.cos(), 8, 32), Inputs.tensor(device, table.sin(), 8, 32));
        rank().ops()
                .ropeAppendKv(
                        new KvLayer(pages, 4, 2, 64),
                        absorbed,
                        Inputs.tensor(device, q, 1, 2, 67),
                        Inputs.tensor(device, latent, 1, 66),
                        step,
                        rope);
        float[] key = Inputs.rows(Inputs.floats(device, pages), 2, 3, 66);
        float[] query = Inputs.floats(device, absorbed);
        int[] index = {0, 1, 2, 3, 22, 23, 62, 63};
        double[] expected = {
            -0.008751108485848024,
            0.03382486105320935,
            0.07768127653204578,
            -0.008314740005065407,
            0.24493575137205287,
            0.4580195064894157,
            0.9843516631068949,
            1.0000229717179951
        };
        for (int i = 0; i < index.length; i++) {
            assertThat((double) key[2 + index[i]]).isCloseTo(expected[i], within(1e-6));
            assertThat(query[2 + index[i]]).isEqualTo(key[2 + index[i]]);
            assertThat(query[66 + 2 + index[i]]).isEqualTo(-key[2 + index[i]]);
        }
        assertThat(key).startsWith(5, 6);
        assertThat(query).startsWith(0, 0);
    }

    @Test
    default void capturedStepsReplay() {
        Device device = rank().device();
        Tensor x = Inputs.tensor(device, new float[] {3, 4}, 1, 2);
        Tensor w = Inputs.tensor(device, new float[] {1, 1}, 2);
        CapturedStep step = device.capture(() -> rank().ops().rmsNorm(x, x, w, 0));
        assertThat(Inputs.floats(device, x)).containsExactly(3, 4);
        step.replay();
        assertThat(Inputs.floats(device, x))
                .containsExactly(
                        new float[] {(float) (3 / Math.sqrt(12.5)), (float) (4 / Math.sqrt(12.5))}, within(1e-6f));
    }

    @Test
    default void wrongOperandsAreNamed() {
        Device device = rank().device();
        Ops ops = rank().ops();
        Tensor x = device.allocate(DType.F32, 2, 3);
        Tensor out = device.allocate(DType.F32, 2, 4);
        assertThatThrownBy(() -> ops.rmsNorm(out, x, x, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("rmsNorm F32 [2, 3]: columns of x is 3 but must be 4");
        assertThatThrownBy(() -> ops.embed(device.allocate(DType.F32, 2, 3), x, x))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is not I32");
        assertThatThrownBy(() -> device.allocate(DType.F32, 1L << 20, 1L << 20))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("[1048576, 1048576]");
    }

    /** A back end may notice as late as in the next read. */
    @Test
    default void idsBeyondTheTableAreNamed() {
        Device device = rank().device();
        Tensor table = device.allocate(DType.F32, 2, 3);
        Tensor out = device.allocate(DType.F32, 2, 3);
        Tensor ids = Inputs.tensor(device, new int[] {0, 2}, 2);
        assertThatThrownBy(() -> {
                    rank().ops().embed(out, table, ids);
                    Inputs.floats(device, out);
                })
                .hasMessage("embed: token id of row 1 is 2 but must be in 0 … 1");
    }
}
