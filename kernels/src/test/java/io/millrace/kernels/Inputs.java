package io.millrace.kernels;

import io.millrace.kernels.numeric.Bf16;
import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Seeded random inputs and their way to a device. */
public final class Inputs {
    private Inputs() {}

    /** Numbers in −1 … 1. */
    public static float[] floats(SplittableRandom random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    /** Any e4m3 codes but NaN. */
    public static byte[] codes(SplittableRandom random, int count) {
        byte[] codes = new byte[count];
        for (int i = 0; i < count; i++) {
            do {
                codes[i] = (byte) random.nextInt(256);
            } while (E4m3.isNan(codes[i]));
        }
        return codes;
    }

    /** Rounds to what bf16 can hold. */
    public static float[] asBf16(float[] values) {
        float[] rounded = values.clone();
        for (int i = 0; i < values.length; i++) {
            rounded[i] = Bf16.toFloat(Bf16.fromFloat(values[i]));
        }
        return rounded;
    }

    /** The upper halves of the numbers, little-endian. */
    public static ByteBuffer bf16Bytes(float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putShort(Bf16.fromFloat(value));
        }
        return bytes.flip();
    }

    /** The numbers, little-endian. */
    public static ByteBuffer f32Bytes(float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return bytes.flip();
    }

    /** A tensor that holds the numbers. */
    public static Tensor tensor(Device device, float[] values, long... shape) {
        Tensor tensor = device.allocate(DType.F32, shape);
        device.write(tensor, values, values.length);
        return tensor;
    }

    /** A tensor that holds the integers. */
    public static Tensor tensor(Device device, int[] values, long... shape) {
        Tensor tensor = device.allocate(DType.I32, shape);
        device.write(tensor, values, values.length);
        return tensor;
    }

    /** All of a tensor. */
    public static float[] floats(Device device, Tensor tensor) {
        float[] values = new float[(int) (tensor.rows() * tensor.cols())];
        device.read(values, tensor, values.length);
        return values;
    }

    /** All of a tensor. */
    public static int[] ints(Device device, Tensor tensor) {
        int[] values = new int[(int) (tensor.rows() * tensor.cols())];
        device.read(values, tensor, values.length);
        return values;
    }

    /** Rows from … to − 1 of [·, cols]. */
    public static float[] rows(float[] values, int from, int to, int cols) {
        return Arrays.copyOfRange(values, from * cols, to * cols);
    }
}
