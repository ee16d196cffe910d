/**
 * Looking at a running job from outside, through its task managers' {@code /metrics}: {@link io.millrace.job.watch.PrometheusText}
 * reads the format, {@link io.millrace.job.watch.Look} is what all of them said at one time, {@link io.millrace.job.watch.LoadView}
 * what two looks say together. Knows the metrics' names, nothing of the engine or Flink.
 */
@NullMarked
package io.millrace.job.watch;

import org.jspecify.annotations.NullMarked;
