package io.millrace.kernels.cuda;

import io.millrace.kernels.Collective;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;

final class CudaCollective implements Collective {
    static final CudaCollective NONE = new CudaCollective();

    public void allReduce(Tensor x) {}

    public void abandon() {}

    public void dispatch(Fp8Activations outX, Routing out, Fp8Activations x, Tensor expertIds, GroupRows groups) {}

    public void collect(
            Tensor out, Tensor expertOut, Routing arrived, Routing chosen, Tensor shared, GroupRows groups) {}
}
