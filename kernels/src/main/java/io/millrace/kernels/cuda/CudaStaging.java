package io.millrace.kernels.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;

/**
 * Pinned host memory through which all numbers pass, so that copies to the device needn't wait: the lower half for writes, used once
 * around before it waits, the upper for reads. Thread: one at a time.
 */
final class CudaStaging implements AutoCloseable {
    /** Largest single copy; larger ones go in pieces. */
    static final int PIECE_BYTES = 4 << 20;

    private static final int WRITE_BYTES = 2 * PIECE_BYTES;
    private static final int ALIGNMENT = 16;

    private final CudaQueue queue;
    private final Pointer memory = new Pointer();
    private final ByteBuffer bytes;
    private final DevicePointer fault;
    private int used;

    /** Makes one; reads also fetch and check the fault record at that address. */
    CudaStaging(CudaQueue queue, long faultAddress) {
        this.queue = queue;
        fault = DevicePointer.at(faultAddress);
        long size = WRITE_BYTES + PIECE_BYTES + CudaFault.BYTES;
        Cu.check(JCudaDriver.cuMemAllocHost(memory, size), "cuMemAllocHost of " + size + " bytes");
        bytes = memory.getByteBuffer(0, size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns the buffer, positioned at room for {@code count} ≤ {@link #PIECE_BYTES} bytes to be sent. */
    ByteBuffer roomFor(int count) {
        if (used + count > WRITE_BYTES) {
            queue.await();
            used = 0;
        }
        bytes.limit(WRITE_BYTES).position(used);
        return bytes;
    }

    /** Queues the copy of the {@code count} bytes that were put at {@link #roomFor}. */
    void send(long address, int count) {
        Pointer from = memory.withByteOffset(used);
        Cu.check(
                JCudaDriver.cuMemcpyHtoDAsync(DevicePointer.at(address), from, count, queue.stream()),
                "copy of " + count + " bytes to the device");
        used += (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Waits for the stream, checks for a fault, and returns the buffer, positioned at the {@code count} bytes read. */
    ByteBuffer receive(long address, int count) {
        if (count > 0) {
            Pointer to = memory.withByteOffset(WRITE_BYTES);
            Cu.check(
                    JCudaDriver.cuMemcpyDtoHAsync(to, DevicePointer.at(address), count, queue.stream()),
                    "copy of " + count + " bytes from the device");
        }
        int faultAt = WRITE_BYTES + PIECE_BYTES;
        Pointer to = memory.withByteOffset(faultAt);
        Cu.check(JCudaDriver.cuMemcpyDtoHAsync(to, fault, CudaFault.BYTES, queue.stream()), "copy of the fault record");
        queue.await();
        used = 0;
        bytes.clear();
        CudaFault.check(
                bytes.getInt(faultAt),
                bytes.getInt(faultAt + 4),
                bytes.getInt(faultAt + 8),
                bytes.getInt(faultAt + 12));
        bytes.limit(WRITE_BYTES + count).position(WRITE_BYTES);
        return bytes;
    }

    @Override
    public void close() {
        Cu.check(JCudaDriver.cuMemFreeHost(memory), "cuMemFreeHost");
    }
}
