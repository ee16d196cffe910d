/**
 * Characters to token ids and back: byte-level BPE, the chat template, the streaming detokeniser, stop strings, the split
 * between reasoning and answer.
 *
 * <p>May import: {@code engine} (records and exceptions), Jackson. Start reading at {@link io.millrace.engine.text.Tokenizer}.
 */
@NullMarked
package io.millrace.engine.text;

import org.jspecify.annotations.NullMarked;
