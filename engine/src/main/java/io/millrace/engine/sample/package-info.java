/**
 * Drawing tokens: what changes a row's logits, and the batch of rows that a device draws for.
 *
 * <p>May import: {@code engine} (parameters), kernels. Start reading at {@link io.millrace.engine.sample.Sampler}.
 */
@NullMarked
package io.millrace.engine.sample;

import org.jspecify.annotations.NullMarked;
