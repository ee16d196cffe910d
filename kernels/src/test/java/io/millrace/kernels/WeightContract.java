package io.millrace.kernels;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What every back end does with weights. */
public interface WeightContract {
    /** The rank under test. */
    Rank rank();

    @Test
    default void damagedWeightsAreRefusedByName() {
        byte[] codes = new byte[130 * 3];
        codes[129 * 3 + 1] = (byte) 0xFF;
        ByteBuffer scales = Inputs.f32Bytes(new float[] {1, 1});
        assertThatThrownBy(() -> rank().device().uploadFp8("layers.3.w", matrix(codes, scales, 130, 3)))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("layers.3.w: code 255 at row 129, column 1 is NaN");
        byte[] fine = {E4m3.encode(1)};
        assertThatThrownBy(() ->
                        rank().device().uploadFp8("w", matrix(fine, Inputs.f32Bytes(new float[] {Float.NaN}), 1, 1)))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("w: scale NaN of block row 0, block column 0");
    }

    private static List<List<Fp8Matrix>> matrix(byte[] codes, ByteBuffer scales, int rows, int cols) {
        return List.of(List.of(new Fp8Matrix(ByteBuffer.wrap(codes), scales, rows, cols)));
    }
}
