/**
 * A reasoning model as a Java object: submit, cancel, step, close. No Flink, no Kafka, no Avro.
 *
 * <p>{@link io.millrace.engine.EngineHost} holds the one engine of a JVM, {@link io.millrace.engine.EngineLoop} its one
 * thread; {@link io.millrace.engine.Engine#step} is the whole machine in a few lines. Sub-packages: {@code model} weights and
 * forward pass, {@code text} tokens and characters, {@code kv} pages, {@code schedule} who runs in a step, {@code run} one step
 * on a device, {@code sample} drawing tokens.
 *
 * <p>May import: kernels, Jackson, SLF4J. Start reading at {@link io.millrace.engine.Engine}.
 */
@NullMarked
package io.millrace.engine;

import org.jspecify.annotations.NullMarked;
