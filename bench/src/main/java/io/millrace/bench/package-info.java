/**
 * Measurements, never shipped: the serving benchmark ({@link io.millrace.bench.ServingBench}, {@code ./millrace bench}) and one
 * line per kernel op ({@link io.millrace.bench.OpBench}).
 *
 * <p>A run: {@link io.millrace.bench.Workload} says what is asked, a {@link io.millrace.bench.ServingWay} has it answered (bare
 * engine, Flink, Kafka), {@link io.millrace.bench.RunClock} notes when, {@link io.millrace.bench.ServingReport} does the
 * arithmetic. The clock hangs on the engine's listeners in all three ways, so that they are timed alike.
 *
 * <p>May import everything. Only {@code FlinkWay}, {@code KafkaWay} and what they use may know Flink: through the bare engine no
 * class of it is loaded.
 */
@NullMarked
package io.millrace.bench;

import org.jspecify.annotations.NullMarked;
