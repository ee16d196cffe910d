/**
 * Number formats, position tables and random numbers that every back end shares: e4m3, bf16, block scales, YaRN's RoPE table,
 * Philox. What is here is defined bit by bit, so that host and device agree.
 *
 * <p>May import: the JDK only. Stateless; any thread. Start reading at {@link io.millrace.kernels.numeric.E4m3}.
 */
@NullMarked
package io.millrace.kernels.numeric;

import org.jspecify.annotations.NullMarked;
