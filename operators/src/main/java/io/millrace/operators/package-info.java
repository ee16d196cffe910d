/**
 * Flink operators, state and serialisers around one engine; the only place where the wire's and the engine's words meet.
 *
 * <p>Everything here runs in the task's mailbox thread unless it says otherwise; only {@code MailboxEvents} is called by the
 * engine's thread. May import: engine, schemas, Flink. Start reading at {@code ContinuousBatchOperator}.
 */
@NullMarked
package io.millrace.operators;

import org.jspecify.annotations.NullMarked;
