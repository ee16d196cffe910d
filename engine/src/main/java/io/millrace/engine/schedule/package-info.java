/**
 * Who runs in a step: sequences, waiting and running; continuous batching, chunked prefill, preemption by recomputation.
 *
 * <p>May import: {@code engine} (records), {@code engine.kv}, {@code engine.text} and {@code engine.sample} (a sequence's own
 * text and penalties). Start reading at {@link io.millrace.engine.schedule.Scheduler}.
 */
@NullMarked
package io.millrace.engine.schedule;

import org.jspecify.annotations.NullMarked;
