/**
 * Structured outputs: which tokens may come next so that the answer matches a regex, one of several choices, a JSON schema or a
 * grammar. Everything is compiled to one form, {@link io.millrace.engine.structure.Grammar}: rules over bytes that may call each
 * other. {@link io.millrace.engine.structure.Automaton} makes its states while they are needed and keeps, per state, which tokens of
 * the vocabulary lead on.
 *
 * <p>May import: {@code engine} (failures), {@code engine.text} (the tokenizer), Jackson. Start reading at {@link
 * io.millrace.engine.structure.GrammarCache}, then {@link io.millrace.engine.structure.Expr}.
 */
@NullMarked
package io.millrace.engine.structure;

import org.jspecify.annotations.NullMarked;
