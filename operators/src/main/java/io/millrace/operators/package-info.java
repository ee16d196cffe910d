/**
 * Flink operators, state and serialisers around one engine; the only place where the wire's and the engine's words meet.
 *
 * <p>{@link io.millrace.operators.PromptDecoder} and {@link io.millrace.operators.PromptValidator} make an engine's request of a
 * record, {@link io.millrace.operators.InFlight} holds it while the engine works, {@link io.millrace.operators.RequestJournal} puts
 * it into checkpoints, and {@link io.millrace.operators.CompletionEncoder} or {@link io.millrace.operators.DeadLetters} end it.
 *
 * <p>Everything here runs in the task's mailbox thread unless it says otherwise; only {@link
 * io.millrace.operators.MailboxEvents#post} is called by the engine's thread. May import: engine, schemas, Flink. Start reading at
 * {@link io.millrace.operators.ContinuousBatchOperator}.
 */
@NullMarked
package io.millrace.operators;

import org.jspecify.annotations.NullMarked;
