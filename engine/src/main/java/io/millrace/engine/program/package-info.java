/**
 * Small programs over the engine: text, draws, choices by log-probability, branches, bounded loops. Start reading at {@link
 * io.millrace.engine.program.Program}, then {@link io.millrace.engine.program.ProgramRun}.
 *
 * <p>What a program does next is a function of the program and of the results so far, nothing else. Every draw and every text to
 * score is a part with a fixed index, and an ordinary request to the engine; so whoever keeps the parts' tokens can go on in the
 * middle after a failure, and gets the same answer. May import the engine's records; knows neither wire nor Flink.
 */
@NullMarked
package io.millrace.engine.program;

import org.jspecify.annotations.NullMarked;
