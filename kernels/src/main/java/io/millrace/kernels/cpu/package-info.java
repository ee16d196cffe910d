/**
 * The back end that runs on the host's cores: tensors are Java arrays, weights are packed panels, an op runs at once on the rank's
 * {@link io.millrace.kernels.cpu.WorkerPool}.
 *
 * <p>Everything is f32, weights stay e4m3 × block scale or bf16 in memory and widen in registers. The bits of a result depend
 * neither on the batch nor on threads nor on the vector width: see docs/kernels/cpu.md.
 *
 * <p>May import: {@code kernels}, {@code kernels.numeric}, {@code kernels.cpu.simd}. Start reading at {@link
 * io.millrace.kernels.cpu.CpuOps} and {@link io.millrace.kernels.cpu.PanelProducts}.
 */
@NullMarked
package io.millrace.kernels.cpu;

import org.jspecify.annotations.NullMarked;
