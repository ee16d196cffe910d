/**
 * What is on the wire: prompts and completions, and their JSON and Avro codecs.
 *
 * <p>{@link io.millrace.schemas.Prompt} and {@link io.millrace.schemas.Completion} are the records that operators work
 * with; {@link io.millrace.schemas.PromptJson}, {@link io.millrace.schemas.CompletionJson},
 * {@link io.millrace.schemas.PromptAvro} and {@link io.millrace.schemas.CompletionAvro} read and write bytes, prompts within
 * {@link io.millrace.schemas.WireLimits}. A wrong input is a {@link io.millrace.schemas.WireException} naming field, offset
 * and reason.
 *
 * <p>What bytes may do is settled before meaning: {@code JsonCheck} and {@code AvroCheck} walk the whole value once, then
 * {@code RequestFields} or Avro's reader fill a {@code PromptDraft}, whose {@code build} checks the fields against each other.
 * The generated Avro records (package {@code avro}) never leave this package.
 *
 * <p>May import: Jackson, Avro. Knows no other module. Start reading at {@link io.millrace.schemas.Prompt}.
 */
@NullMarked
package io.millrace.schemas;

import org.jspecify.annotations.NullMarked;
