/**
 * The inner loops of the cpu back end, once with the Vector API and once as plain loops; both give the same bits at every width.
 *
 * <p>The only package that may import {@code jdk.incubator.vector}. Nothing here allocates or knows tensors: callers pass arrays
 * and offsets, per-thread state lies in {@link io.millrace.kernels.cpu.simd.Tile} and {@link
 * io.millrace.kernels.cpu.simd.Keys}. Start reading at {@link io.millrace.kernels.cpu.simd.Lanes}; numerics are described in
 * docs/kernels/cpu.md.
 */
@NullMarked
package io.millrace.kernels.cpu.simd;

import org.jspecify.annotations.NullMarked;
