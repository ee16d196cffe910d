package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.DeviceException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jcuda.driver.JCudaDriver;

/** What a rank has allocated; freed together. Any thread, one at a time. */
final class CudaMemory implements AutoCloseable {
    private static final long MIN_BYTES = 16;

    private final CudaQueue queue;
    private final List<DevicePointer> allocations = new ArrayList<>();

    CudaMemory(CudaQueue queue) {
        this.queue = queue;
    }

    /** Allocates zeroed memory for a tensor; {@code what} is for the message. */
    CudaTensor allocate(String what, DType dtype, long... shape) {
        long bytes = bytes(what, dtype, shape);
        DevicePointer pointer = new DevicePointer();
        if (!Cu.isOk(JCudaDriver.cuMemAlloc(pointer, bytes))) {
            long[] free = {0};
            long[] total = {0};
            Cu.check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
            throw new DeviceException(String.format(
                    "%s %s %s needs %,d bytes, %,d of the device's %,d are free: lower kv-cache-bytes or use more ranks",
                    what, dtype, Arrays.toString(shape), bytes, free[0], total[0]));
        }
        allocations.add(pointer);
        Cu.check(JCudaDriver.cuMemsetD8Async(pointer, (byte) 0, bytes, queue.stream()), "cuMemsetD8Async");
        return new CudaTensor(dtype, shape, pointer.address());
    }

    private static long bytes(String what, DType dtype, long[] shape) {
        long bytes = dtype.elementBytes();
        for (long axis : shape) {
            if (axis < 0 || Math.multiplyHigh(bytes, axis) != 0 || (bytes *= axis) < 0) {
                throw new DeviceException(
                        what + " " + dtype + " " + Arrays.toString(shape) + " has an impossible size: check the shape");
            }
        }
        return Math.max(MIN_BYTES, bytes);
    }

    @Override
    public void close() {
        for (DevicePointer pointer : allocations) {
            Cu.check(JCudaDriver.cuMemFree(pointer), "cuMemFree");
        }
        allocations.clear();
    }
}
