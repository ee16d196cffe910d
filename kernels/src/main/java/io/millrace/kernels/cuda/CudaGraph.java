package io.millrace.kernels.cuda;

import io.millrace.kernels.CapturedStep;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/** A captured step: its launches with their parameters, replayed by one call. Thread: the rank's. */
final class CudaGraph implements CapturedStep, AutoCloseable {
    private final CudaQueue queue;
    private final CUgraphExec executable;

    private CudaGraph(CudaQueue queue, CUgraphExec executable) {
        this.queue = queue;
        this.executable = executable;
    }

    /** Records what the step queues; nothing of it runs. */
    static CudaGraph capture(CudaQueue queue, Runnable step) {
        CUgraph graph = new CUgraph();
        CUgraphExec executable = new CUgraphExec();
        Cu.check(
                JCudaDriver.cuStreamBeginCapture(
                        queue.stream(), CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                "cuStreamBeginCapture");
        boolean isDone = false;
        try {
            step.run();
            isDone = true;
        } finally {
            int result = JCudaDriver.cuStreamEndCapture(queue.stream(), graph);
            if (isDone) { // else the step's own exception says more
                Cu.check(result, "cuStreamEndCapture");
            }
        }
        Cu.check(JCudaDriver.cuGraphInstantiate(executable, graph, 0), "cuGraphInstantiate");
        Cu.check(JCudaDriver.cuGraphDestroy(graph), "cuGraphDestroy");
        return new CudaGraph(queue, executable);
    }

    @Override
    public void replay() {
        queue.enter();
        Cu.check(JCudaDriver.cuGraphLaunch(executable, queue.stream()), "cuGraphLaunch");
    }

    @Override
    public void close() {
        Cu.check(JCudaDriver.cuGraphExecDestroy(executable), "cuGraphExecDestroy");
    }
}
