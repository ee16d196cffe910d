/**
 * The seam between the engine and a device: tensors, ops, collectives.
 *
 * <p>One op is one thing that a GPU does well in one launch or that must stay on the device. Output first, then inputs,
 * then scalars. Every call queues on the rank's one in-order stream; nothing returns a value; results come home by
 * {@link io.millrace.kernels.Device#read}, the only call that waits. Same back end and same weights give the same bits,
 * whatever the batch, its order, the vector width and the number of threads.
 *
 * <p>May import: the JDK, {@code kernels.numeric}. Start reading at {@link io.millrace.kernels.Ops}.
 */
@NullMarked
package io.millrace.kernels;

import org.jspecify.annotations.NullMarked;
