/**
 * Breaks a local cluster on purpose, again and again, and compares every completion with that of an undisturbed run, byte for byte.
 * Because a run is deterministic, the oracle is that simple. {@code bench/torture} starts it.
 */
@NullMarked
package io.millrace.bench.torture;

import org.jspecify.annotations.NullMarked;
