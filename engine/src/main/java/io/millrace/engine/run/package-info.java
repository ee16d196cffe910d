/**
 * One step on a device: the buffers that change from step to step, the forward pass, the draw, the drafts.
 *
 * <p>May import: {@code engine.model}, {@code engine.schedule}, {@code engine.sample}, {@code engine.kv}, kernels. Start reading
 * at {@link io.millrace.engine.run.StepRunner}, which runs a {@link io.millrace.engine.run.ModelRunner} on each rank of a
 * {@link io.millrace.engine.run.RankGroup}.
 */
@NullMarked
package io.millrace.engine.run;

import org.jspecify.annotations.NullMarked;
