/**
 * The classes that Avro's plug-in generates from {@code src/main/avro}: what {@code prompt.avsc} and {@code completion.avsc}
 * say, and nothing else.
 *
 * <p>Not {@code @NullMarked}: the generated accessors say nothing about null, and a field whose type is a union with null
 * returns it. They are used by the codecs in {@link io.millrace.schemas} alone, which turn them into
 * {@link io.millrace.schemas.Prompt} and {@link io.millrace.schemas.Completion}; a job's state and streams never hold them.
 *
 * <p>A new record must also be named in {@code AvroRecords}.
 */
package io.millrace.schemas.avro;
