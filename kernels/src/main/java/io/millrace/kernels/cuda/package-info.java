/**
 * The back end for NVIDIA GPUs (Hopper, sm_90a), through JCuda's driver API. Tensors are device pointers, an op fills a {@link
 * io.millrace.kernels.cuda.LaunchBlock} and queues the kernel of the same name, compiled ahead of time from src/main/cuda.
 *
 * <p>Incomplete: products and attention have no kernel yet, so no model runs; see docs/kernels/cuda.md.
 *
 * <p>May import: {@code kernels}, JCuda (nobody else does). Start reading at {@link io.millrace.kernels.cuda.CudaOps} and {@link
 * io.millrace.kernels.cuda.CudaDevice}.
 */
@NullMarked
package io.millrace.kernels.cuda;

import org.jspecify.annotations.NullMarked;
