package io.millrace.kernels.cuda;

import jcuda.driver.CUcontext;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** A rank's context and its one in-order stream. */
record CudaQueue(CUcontext context, CUstream stream) {
    /** Makes the context the calling thread's: every entry from outside does it, for it may come on another thread. */
    void enter() {
        Cu.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    }

    /** Waits until all that was queued is done. */
    void await() {
        Cu.check(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize (or a kernel before it)");
    }
}
