/**
 * The command line: one class per command, {@link io.millrace.job.cli.Main} in front of them.
 *
 * <p>Only this package writes to the terminal ({@link io.millrace.job.cli.Terminal}). A command does its work and returns an exit
 * code; {@code ConfigException} becomes one line and exit code 2, any other failure one line and exit code 1.
 *
 * <p>May import: job, operators, engine, schemas, picocli. Start reading at {@link io.millrace.job.cli.Main}.
 */
@NullMarked
package io.millrace.job.cli;

import org.jspecify.annotations.NullMarked;
