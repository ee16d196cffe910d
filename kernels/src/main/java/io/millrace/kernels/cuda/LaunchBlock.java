package io.millrace.kernels.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.JCudaDriver;

/**
 * One kernel's parameter struct, filled field by field in the order of the .cu file, and its launch. Reused: the driver copies the
 * bytes at the launch. Thread: the rank's.
 */
final class LaunchBlock {
    private static final int CAPACITY_BYTES = 512;

    private final String name;
    private final int paramBytes;
    private final int sharedBytes;
    private final CUfunction function;
    private final CudaQueue queue;
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(CAPACITY_BYTES).order(ByteOrder.nativeOrder());
    private final Pointer params = Pointer.to(Pointer.to(bytes));

    /**
     * Makes the block of one kernel.
     *
     * @param paramBytes size of its struct, as the compiler saw it
     * @param sharedBytes dynamic shared memory of a block
     */
    LaunchBlock(String name, int paramBytes, int sharedBytes, CUfunction function, CudaQueue queue) {
        this.name = name;
        this.paramBytes = paramBytes;
        this.sharedBytes = sharedBytes;
        this.function = function;
        this.queue = queue;
    }

    /** Starts anew. */
    LaunchBlock begin() {
        bytes.clear();
        return this;
    }

    /** {@code Rows<T>}: pointer and elements between rows. */
    LaunchBlock rows(CudaTensor t) {
        return i64(t.pointer()).i64(t.ld());
    }

    /** {@code CodeRows}: codes and scales. */
    LaunchBlock codes(CudaActivations x) {
        return rows(x.codes()).rows(x.scales());
    }

    /** The numbers of a vector [n] or [1, n], as rows. */
    LaunchBlock vector(CudaTensor t) {
        return i64(t.pointer()).i64(t.cols() == 1 ? t.ld() : 1);
    }

    LaunchBlock i64(long value) {
        bytes.putLong(value);
        return this;
    }

    LaunchBlock i32(long value) {
        bytes.putInt(Math.toIntExact(value));
        return this;
    }

    LaunchBlock flag(boolean value) {
        bytes.putInt(value ? 1 : 0);
        return this;
    }

    LaunchBlock f32(float value) {
        bytes.putFloat(value);
        return this;
    }

    /** Queues the kernel over a grid of [gridY, gridX] blocks; no blocks, no launch. */
    void launch(long gridX, long gridY, int blockThreads) {
        if (bytes.position() != paramBytes) {
            throw new IllegalStateException("kernel " + name + " takes " + paramBytes + " bytes of parameters, got "
                    + bytes.position() + ": the .cu file and its caller differ");
        }
        if (gridX == 0 || gridY == 0) {
            return;
        }
        queue.enter();
        int result = JCudaDriver.cuLaunchKernel(
                function,
                Math.toIntExact(gridX),
                Math.toIntExact(gridY),
                1,
                blockThreads,
                1,
                1,
                sharedBytes,
                queue.stream(),
                params,
                null);
        if (!Cu.isOk(result)) {
            Cu.check(result, "launch of " + name + " over " + gridX + " × " + gridY + " blocks of " + blockThreads);
        }
    }
}
