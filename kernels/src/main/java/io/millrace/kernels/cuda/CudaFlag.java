package io.millrace.kernels.cuda;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;

/** A number in pinned host memory that kernels look at while they wait: 0 until it is raised. Any thread. */
final class CudaFlag implements AutoCloseable {
    private static final int BYTES = 16;
    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

    private final Pointer memory = new Pointer();
    private final DevicePointer device = new DevicePointer();
    private final ByteBuffer bytes;

    /** Makes one that kernels of the current context can read. */
    CudaFlag() {
        Cu.check(JCudaDriver.cuMemAllocHost(memory, BYTES), "cuMemAllocHost of " + BYTES + " bytes");
        Cu.check(JCudaDriver.cuMemHostGetDevicePointer(device, memory, 0), "cuMemHostGetDevicePointer");
        bytes = memory.getByteBuffer(0, BYTES);
        INT.setVolatile(bytes, 0, 0);
    }

    /** Returns the address for kernels. */
    long address() {
        return device.address();
    }

    void raise() {
        INT.setVolatile(bytes, 0, 1);
    }

    @Override
    public void close() {
        Cu.check(JCudaDriver.cuMemFreeHost(memory), "cuMemFreeHost");
    }
}
