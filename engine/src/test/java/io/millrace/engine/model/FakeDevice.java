package io.millrace.engine.model;

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
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A device that keeps what is uploaded, by name, refuses NaN codes, and can't compute. */
class FakeDevice implements Device {
    /** Bytes of a plain tensor. */
    record Uploaded(DType dtype, ByteBuffer data, long[] shape) implements Tensor {
        @Override
        public long rows() {
            return shape[0];
        }

        @Override
        public long cols() {
            return Arrays.stream(shape).skip(1).reduce(1, (a, b) -> a * b);
        }

        @Override
        public Tensor firstRows(long rows) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Tensor columns(long from, long count) {
            throw new UnsupportedOperationException();
        }
    }

    /** Parts of a block-scaled weight. */
    record Scaled(String name, List<List<Fp8Matrix>> experts) implements Fp8Weight {
        @Override
        public int numExperts() {
            return experts.size();
        }

        @Override
        public int rows() {
            return experts.get(0).stream().mapToInt(Fp8Matrix::rows).sum();
        }

        @Override
        public int cols() {
            return experts.get(0).get(0).cols();
        }
    }

    /** Parts of a bf16 weight. */
    record Plain(String name, List<List<Bf16Matrix>> experts) implements LinearWeight {
        @Override
        public int numExperts() {
            return experts.size();
        }

        @Override
        public int rows() {
            return experts.get(0).stream().mapToInt(Bf16Matrix::rows).sum();
        }

        @Override
        public int cols() {
            return experts.get(0).get(0).cols();
        }
    }

    /** Numbers of an unquantised weight; values only for per-head ones. */
    record Dense(String name, int numHeads, int rows, int cols, float[] values) implements DenseWeight {}

    final Map<String, Object> uploads = new ConcurrentHashMap<>();

    @Override
    public DeviceInfo info() {
        return new DeviceInfo("cpu", "fake", "keeps uploads", 0, 0);
    }

    @Override
    public void awaitReady() {}

    @Override
    public Tensor allocate(DType dtype, long... shape) {
        return new Uploaded(dtype, ByteBuffer.allocate(0), shape);
    }

    @Override
    public Fp8Activations allocateActivations(long rows, long cols, LinearFormat format, int skewCols) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Tensor upload(String name, DType dtype, ByteBuffer data, long... shape) {
        return keep(name, new Uploaded(dtype, data, shape));
    }

    @Override
    public Fp8Weight uploadFp8(String name, List<List<Fp8Matrix>> experts) {
        for (List<Fp8Matrix> parts : experts) {
            for (Fp8Matrix part : parts) {
                for (int i = 0; i < part.rows() * part.cols(); i++) {
                    if ((part.codes().get(i) & 0x7F) == 0x7F) {
                        throw new DeviceException(name + ": NaN, as the contract wants it");
                    }
                }
            }
        }
        return keep(name, new Scaled(name, experts));
    }

    @Override
    public LinearWeight uploadBf16(String name, List<List<Bf16Matrix>> experts) {
        return keep(name, new Plain(name, experts));
    }

    @Override
    public DenseWeight uploadDense(String name, DType dtype, ByteBuffer data, int rows, int cols) {
        return keep(name, new Dense(name, 1, rows, cols, new float[0]));
    }

    @Override
    public DenseWeight uploadHeads(String name, float[] values, int heads, int rows, int cols) {
        return keep(name, new Dense(name, heads, rows, cols, values));
    }

    private <T> T keep(String name, T upload) {
        if (uploads.put(name, upload) != null) {
            throw new IllegalStateException(name + " uploaded twice");
        }
        return upload;
    }

    @Override
    public void write(Tensor dst, int[] src, int count) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void write(Tensor dst, float[] src, int count) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void read(int[] dst, Tensor src, int count) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void read(float[] dst, Tensor src, int count) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CapturedStep capture(Runnable step) {
        throw new UnsupportedOperationException();
    }
}
