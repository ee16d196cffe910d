package io.millrace.kernels.cuda;

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
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/** One GPU. Thread: the rank's; uploads from any (methods that touch memory exclude each other). */
final class CudaDevice implements Device, AutoCloseable {
    private final CUdevice device = new CUdevice();
    private final CudaQueue queue;
    private final CudaMemory memory;
    private final CudaTensor fault;
    private final CudaStaging staging;
    private final CudaFlag abandoned;
    private final CudaImage image;
    private final CudaWeights weights = new CudaWeights(this);
    private final List<CudaGraph> graphs = new ArrayList<>();
    private final int numSms;
    private boolean isCapturing;
    private long epoch;

    /** Opens the device of that index. */
    CudaDevice(int index) {
        Cu.check(JCudaDriver.cuDeviceGet(device, index), "cuDeviceGet of device " + index);
        CUcontext context = new CUcontext();
        Cu.check(JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain");
        Cu.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
        CUstream stream = new CUstream();
        Cu.check(JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING), "cuStreamCreate");
        queue = new CudaQueue(context, stream);
        memory = new CudaMemory(queue);
        image = new CudaImage(queue);
        fault = memory.allocate("fault record", DType.I32, CudaFault.BYTES / DType.I32.elementBytes());
        staging = new CudaStaging(queue, fault.pointer());
        abandoned = new CudaFlag();
        numSms = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    }

    private int attribute(int which) {
        int[] value = {0};
        Cu.check(JCudaDriver.cuDeviceGetAttribute(value, which, device), "cuDeviceGetAttribute " + which);
        return value[0];
    }

    /** Returns the number of streaming multiprocessors: how many blocks are worth launching. */
    int numSms() {
        return numSms;
    }

    /**
     * Returns a number that changes with all that may change what is in device memory besides ops, or when they run: writes,
     * captures, replays. What was derived from a step's tensors holds while it stays.
     */
    synchronized long epoch() {
        return epoch;
    }

    CudaImage image() {
        return image;
    }

    /** Returns the device address of the record that kernels report to. */
    long faultAddress() {
        return fault.pointer();
    }

    /** Returns where kernels see that a rank won't come. */
    long abandonedAddress() {
        return abandoned.address();
    }

    /** Ends the waits of this device's kernels for other ranks; the next read fails. Any thread, also while a read waits. */
    void abandon() {
        abandoned.raise();
    }

    /** Lets this device's kernels read and write another's memory. */
    void reach(CudaDevice peer) {
        queue.enter();
        int[] can = {0};
        Cu.check(JCudaDriver.cuDeviceCanAccessPeer(can, device, peer.device), "cuDeviceCanAccessPeer");
        if (can[0] == 0) {
            throw new DeviceException(
                    "two GPUs of the plan can't reach each other's memory (cuDeviceCanAccessPeer): use GPUs"
                            + " that NVLink joins, or one rank");
        }
        int result = JCudaDriver.cuCtxEnablePeerAccess(peer.queue.context(), 0);
        if (result != CUresult.CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED) {
            Cu.check(result, "cuCtxEnablePeerAccess");
        }
    }

    /** Waits until nothing runs that may touch memory. A broken context is as good as an idle one. */
    synchronized void drain() {
        queue.enter();
        JCudaDriver.cuStreamSynchronize(queue.stream());
    }

    @Override
    public synchronized DeviceInfo info() {
        queue.enter();
        byte[] name = new byte[256];
        int[] driver = {0};
        long[] free = {0};
        long[] total = {0};
        Cu.check(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
        Cu.check(JCudaDriver.cuDriverGetVersion(driver), "cuDriverGetVersion");
        Cu.check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
        int length = 0;
        while (length < name.length && name[length] != 0) {
            length++;
        }
        return new DeviceInfo(
                CudaBackend.NAME,
                new String(name, 0, length, StandardCharsets.UTF_8),
                "CUDA " + driver[0] / 1000 + "." + driver[0] % 1000 / 10 + ", compute capability "
                        + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) + "."
                        + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
                total[0],
                free[0]);
    }

    /** Returns whether what is queued now is recorded instead of run. */
    synchronized boolean isCapturing() {
        return isCapturing;
    }

    /** Kernels are compiled ahead of time. */
    @Override
    public void awaitReady() {}

    @Override
    public synchronized CudaTensor allocate(DType dtype, long... shape) {
        enter("allocate");
        return memory.allocate("tensor", dtype, shape);
    }

    /** Allocates memory whose name an exception for lack of it will tell. */
    synchronized CudaTensor allocateNamed(String name, DType dtype, long... shape) {
        enter("allocate");
        return memory.allocate(name, dtype, shape);
    }

    @Override
    public Fp8Activations allocateActivations(long rows, long cols, LinearFormat format, int skewCols) {
        return CudaActivations.allocate(this, rows, cols, format, skewCols);
    }

    @Override
    public synchronized Tensor upload(String name, DType dtype, ByteBuffer data, long... shape) {
        enter("upload");
        CudaTensor t = memory.allocate(name, dtype, shape);
        long bytes = t.rows() * t.cols() * dtype.elementBytes();
        if (data.remaining() < bytes) {
            throw new IllegalArgumentException(name + ": " + dtype + " " + Arrays.toString(shape) + " needs " + bytes
                    + " bytes, got " + data.remaining());
        }
        ByteBuffer source = data.duplicate();
        int start = source.position();
        for (int at = 0; at < bytes; at += CudaStaging.PIECE_BYTES) {
            int piece = (int) Math.min(CudaStaging.PIECE_BYTES, bytes - at);
            source.limit(start + at + piece).position(start + at);
            staging.roomFor(piece).put(source);
            staging.send(t.pointer() + at, piece);
        }
        return t;
    }

    @Override
    public LinearWeight uploadBf16(String name, List<List<Bf16Matrix>> experts) {
        return weights.linearBf16(name, experts);
    }

    @Override
    public Fp8Weight uploadFp8(String name, List<List<Fp8Matrix>> experts) {
        return weights.fp8(name, experts);
    }

    @Override
    public DenseWeight uploadDense(String name, DType dtype, ByteBuffer data, int rows, int cols) {
        return weights.bf16(name, WeightTiler.bf16(dtype, data, Math.multiplyExact(rows, cols)), 1, rows, cols);
    }

    @Override
    public DenseWeight uploadHeads(String name, float[] values, int heads, int rows, int cols) {
        return weights.bf16(name, WeightTiler.bf16(values), heads, rows, cols);
    }

    @Override
    public synchronized void write(Tensor dst, int[] src, int count) {
        epoch++;
        CudaTensor t = checked("write", Operands.i32(dst), count, src.length);
        int step = CudaStaging.PIECE_BYTES / Integer.BYTES;
        for (int at = 0; at < count; at += step) {
            int piece = Math.min(step, count - at);
            staging.roomFor(piece * Integer.BYTES).asIntBuffer().put(src, at, piece);
            staging.send(t.pointer() + (long) at * Integer.BYTES, piece * Integer.BYTES);
        }
    }

    @Override
    public synchronized void write(Tensor dst, float[] src, int count) {
        epoch++;
        CudaTensor t = checked("write", Operands.f32(dst), count, src.length);
        int step = CudaStaging.PIECE_BYTES / Float.BYTES;
        for (int at = 0; at < count; at += step) {
            int piece = Math.min(step, count - at);
            staging.roomFor(piece * Float.BYTES).asFloatBuffer().put(src, at, piece);
            staging.send(t.pointer() + (long) at * Float.BYTES, piece * Float.BYTES);
        }
    }

    /** Queues a copy of the buffer's remaining bytes, at most {@link CudaStaging#PIECE_BYTES} of them; they are taken at once. */
    synchronized void writeBytes(CudaTensor dst, ByteBuffer src) {
        enter("write");
        epoch++;
        int count = src.remaining();
        Operands.atLeast(
                "write", dst, "bytes", dst.rows() * dst.cols() * dst.dtype().elementBytes(), count);
        staging.roomFor(count).put(src);
        staging.send(dst.pointer(), count);
    }

    @Override
    public synchronized void read(int[] dst, Tensor src, int count) {
        CudaTensor t = checked("read", Operands.i32(src), count, dst.length);
        int step = CudaStaging.PIECE_BYTES / Integer.BYTES;
        for (int at = 0; at < count || at == 0; at += step) {
            int piece = Math.min(step, count - at);
            staging.receive(t.pointer() + (long) at * Integer.BYTES, piece * Integer.BYTES)
                    .asIntBuffer()
                    .get(dst, at, piece);
        }
    }

    @Override
    public synchronized void read(float[] dst, Tensor src, int count) {
        CudaTensor t = checked("read", Operands.f32(src), count, dst.length);
        int step = CudaStaging.PIECE_BYTES / Float.BYTES;
        for (int at = 0; at < count || at == 0; at += step) {
            int piece = Math.min(step, count - at);
            staging.receive(t.pointer() + (long) at * Float.BYTES, piece * Float.BYTES)
                    .asFloatBuffer()
                    .get(dst, at, piece);
        }
    }

    /** Waits, then reads the first bytes of a contiguous tensor, at most {@link CudaStaging#PIECE_BYTES}. */
    synchronized void readBytes(byte[] dst, CudaTensor src) {
        CudaTensor t = checked("read", src, dst.length / src.dtype().elementBytes(), dst.length);
        staging.receive(t.pointer(), dst.length).get(dst);
    }

    private CudaTensor checked(String op, CudaTensor t, int count, int arrayLength) {
        enter(op);
        Operands.atLeast(op, "host array", "length", arrayLength, count);
        Operands.atLeast(op, t, "elements", t.rows() * t.cols(), count);
        if (!t.isContiguous() && count > t.cols()) {
            throw new IllegalArgumentException(
                    op + ": " + count + " elements of a column view " + t + ": use a whole tensor");
        }
        return t;
    }

    private void enter(String what) {
        if (isCapturing) {
            throw new IllegalStateException(what + " inside a captured step: move it before or after");
        }
        queue.enter();
    }

    @Override
    public synchronized CapturedStep capture(Runnable step) {
        enter("capture");
        isCapturing = true;
        epoch++;
        try {
            CudaGraph graph = CudaGraph.capture(queue, step);
            graphs.add(graph);
            return () -> replay(graph);
        } finally {
            isCapturing = false;
            epoch++;
        }
    }

    private synchronized void replay(CudaGraph graph) {
        epoch++;
        graph.replay();
    }

    @Override
    public synchronized void close() {
        queue.enter();
        graphs.forEach(CudaGraph::close);
        graphs.clear();
        staging.close();
        abandoned.close();
        image.close();
        memory.close();
        Cu.check(JCudaDriver.cuStreamDestroy(queue.stream()), "cuStreamDestroy");
        Cu.check(JCudaDriver.cuDevicePrimaryCtxRelease(device), "cuDevicePrimaryCtxRelease");
    }
}
