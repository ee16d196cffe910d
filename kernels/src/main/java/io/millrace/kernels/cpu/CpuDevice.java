package io.millrace.kernels.cpu;

import io.millrace.kernels.Bf16Matrix;
import io.millrace.kernels.CapturedStep;
import io.millrace.kernels.DType;
import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Device;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.DeviceInfo;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.Fp8Weight;
import io.millrace.kernels.LinearFormat;
import io.millrace.kernels.LinearWeight;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.cpu.simd.Lanes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** The Java heap as a device. Thread: the rank's; uploads from any. */
final class CpuDevice implements Device {
    private final Lanes lanes;
    private final int numThreads;

    CpuDevice(Lanes lanes, int numThreads) {
        this.lanes = lanes;
        this.numThreads = numThreads;
    }

    @Override
    public DeviceInfo info() {
        Runtime runtime = Runtime.getRuntime();
        long used = runtime.totalMemory() - runtime.freeMemory();
        return new DeviceInfo(
                CpuBackend.NAME,
                System.getProperty("os.arch") + ", " + runtime.availableProcessors() + " cores",
                "lanes " + lanes.name() + ", " + numThreads + " threads, Java "
                        + Runtime.version().feature(),
                runtime.maxMemory(),
                runtime.maxMemory() - used);
    }

    @Override
    public void awaitReady() {
        lanes.awaitReady();
    }

    @Override
    public Tensor allocate(DType dtype, long... shape) {
        int count = checkedCount("tensor", dtype, shape);
        return onHeap("tensor", dtype, shape, () -> CpuTensor.of(dtype, newArray(dtype, count), shape));
    }

    @Override
    public Fp8Activations allocateActivations(long rows, long cols, LinearFormat format, int skewCols) {
        int count = checkedCount("activations", DType.F32, rows, skewCols + cols);
        long[] shape = {rows, cols};
        return onHeap(
                "activations",
                DType.F32,
                shape,
                () -> new CpuActivations(new float[count], (int) rows, (int) cols, skewCols));
    }

    @Override
    public Tensor upload(String name, DType dtype, ByteBuffer data, long... shape) {
        int count = checkedCount(name, dtype, shape);
        checkBytes(name, dtype, data, shape);
        return onHeap(name, dtype, shape, () -> {
            Object array = newArray(dtype, count);
            ByteBuffer bytes = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
            switch (dtype) {
                case F32:
                    bytes.asFloatBuffer().get((float[]) array);
                    break;
                case I32:
                    bytes.asIntBuffer().get((int[]) array);
                    break;
                case BF16:
                    bytes.asShortBuffer().get((short[]) array);
                    break;
                case E4M3:
                    bytes.get((byte[]) array);
                    break;
            }
            return CpuTensor.of(dtype, array, shape);
        });
    }

    @Override
    public Fp8Weight uploadFp8(String name, List<List<Fp8Matrix>> experts) {
        if (experts.isEmpty() || experts.get(0).isEmpty()) {
            throw new IllegalArgumentException(name + ": no matrix to upload");
        }
        int rows = experts.get(0).stream().mapToInt(Fp8Matrix::rows).sum();
        int cols = experts.get(0).get(0).cols();
        int skewCols = experts.get(0).get(0).skewCols();
        long[] shape = {experts.size(), rows, cols};
        checkedCount(name, DType.E4M3, rows + 3L * Fp8Matrix.BLOCK, skewCols + cols);
        return onHeap(name, DType.E4M3, shape, () -> new CpuFp8Weight(name, Packing.e4m3(name, experts), skewCols));
    }

    @Override
    public LinearWeight uploadBf16(String name, List<List<Bf16Matrix>> experts) {
        if (experts.isEmpty() || experts.get(0).isEmpty()) {
            throw new IllegalArgumentException(name + ": no matrix to upload");
        }
        int rows = experts.get(0).stream().mapToInt(Bf16Matrix::rows).sum();
        int cols = experts.get(0).get(0).cols();
        long[] shape = {experts.size(), rows, cols};
        checkedCount(name, DType.BF16, rows + Fp8Matrix.BLOCK, cols);
        return onHeap(name, DType.BF16, shape, () -> new CpuLinearWeight(name, Packing.bf16(name, experts), 0));
    }

    @Override
    public DenseWeight uploadDense(String name, DType dtype, ByteBuffer data, int rows, int cols) {
        if (dtype != DType.BF16 && dtype != DType.F32) {
            throw new IllegalArgumentException(name + ": dense weights are BF16 or F32, not " + dtype);
        }
        checkedCount(name, dtype, rows + Fp8Matrix.BLOCK, cols);
        checkBytes(name, dtype, data, rows, cols);
        long[] shape = {rows, cols};
        return onHeap(name, dtype, shape, () -> new CpuDenseWeight(name, Packing.dense(dtype, data, rows, cols)));
    }

    @Override
    public DenseWeight uploadHeads(String name, float[] values, int heads, int rows, int cols) {
        int count = checkedCount(name, DType.F32, heads, rows, cols);
        if (values.length != count) {
            throw new IllegalArgumentException(
                    name + ": " + values.length + " values for " + heads + " heads of " + rows + " × " + cols);
        }
        long[] shape = {heads, rows, cols};
        return onHeap(name, DType.F32, shape, () -> {
            PackedMatrix[] packed = new PackedMatrix[heads];
            for (int h = 0; h < heads; h++) {
                packed[h] = Packing.f32(values, h * rows * cols, rows, cols);
            }
            return new CpuDenseWeight(name, packed);
        });
    }

    @Override
    public void write(Tensor dst, int[] src, int count) {
        CpuTensor t = Shapes.contiguous("write", dst, count, src.length);
        System.arraycopy(src, 0, t.i32(), t.at(0), count);
    }

    @Override
    public void write(Tensor dst, float[] src, int count) {
        CpuTensor t = Shapes.contiguous("write", dst, count, src.length);
        System.arraycopy(src, 0, t.f32(), t.at(0), count);
    }

    @Override
    public void read(int[] dst, Tensor src, int count) {
        CpuTensor t = Shapes.contiguous("read", src, count, dst.length);
        System.arraycopy(t.i32(), t.at(0), dst, 0, count);
    }

    @Override
    public void read(float[] dst, Tensor src, int count) {
        CpuTensor t = Shapes.contiguous("read", src, count, dst.length);
        System.arraycopy(t.f32(), t.at(0), dst, 0, count);
    }

    @Override
    public CapturedStep capture(Runnable step) {
        return step::run;
    }

    private static Object newArray(DType dtype, int count) {
        switch (dtype) {
            case F32:
                return new float[count];
            case BF16:
                return new short[count];
            case E4M3:
                return new byte[count];
            case I32:
                return new int[count];
        }
        throw new IllegalArgumentException("no storage for " + dtype);
    }

    private static int checkedCount(String what, DType dtype, long... shape) {
        long count = 1;
        for (long axis : shape) {
            if (axis < 0 || axis > Integer.MAX_VALUE || (count *= axis) > Integer.MAX_VALUE - 8) {
                throw new DeviceException(what + " " + dtype + " " + Arrays.toString(shape)
                        + " has more than the 2,147,483,639 elements of a Java array: split it over more ranks");
            }
        }
        return (int) count;
    }

    private static void checkBytes(String name, DType dtype, ByteBuffer data, long... shape) {
        long bytes = dtype.elementBytes();
        for (long axis : shape) {
            bytes *= axis;
        }
        if (data.remaining() < bytes) {
            throw new IllegalArgumentException(name + ": " + dtype + " " + Arrays.toString(shape) + " needs " + bytes
                    + " bytes, got " + data.remaining());
        }
    }

    /** Runs an allocation; the JVM itself keeps the budget, so a full heap becomes an error that says what to do. */
    private <T> T onHeap(String what, DType dtype, long[] shape, Supplier<T> allocation) {
        try {
            return allocation.get();
        } catch (OutOfMemoryError e) {
            DeviceInfo info = info();
            throw new DeviceException(
                    String.format(
                            "%s %s %s doesn't fit: %,d of %,d bytes of heap are free: raise -Xmx or lower kv-cache-bytes",
                            what, dtype, Arrays.toString(shape), info.freeBytes(), info.totalBytes()),
                    e);
        }
    }
}
