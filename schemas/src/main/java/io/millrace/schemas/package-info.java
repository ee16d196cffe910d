/**
 * What is on the wire: prompts and completions, and their JSON and Avro codecs.
 *
 * <p>{@link io.millrace.schemas.Prompt} and {@link io.millrace.schemas.Completion} are the records that operators work with;
 * {@code PromptJson}, {@code CompletionJson}, {@code BatchLine} and the Avro codecs read and write bytes, each within
 * {@code WireLimits}. A wrong input is a {@link io.millrace.schemas.WireException} naming field, offset and reason.
 *
 * <p>May import: Jackson, Avro. Knows no other module. Start reading at {@link io.millrace.schemas.Prompt}.
 */
@NullMarked
package io.millrace.schemas;

import org.jspecify.annotations.NullMarked;
