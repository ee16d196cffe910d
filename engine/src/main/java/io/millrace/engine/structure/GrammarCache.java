package io.millrace.engine.structure;

import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.text.Tokenizer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Compiles structures for one tokenizer and keeps those used last. Any thread. */
public final class GrammarCache {
    /** Structures kept at most; each has up to {@link Automaton#MAX_STATES} states and {@link Automaton#MAX_MASK_BYTES} of masks. */
    static final int MAX_STRUCTURES = 32;
    /** Characters of a schema, regex, grammar or list of choices at most. */
    static final int MAX_CHARS = 1 << 17;

    static final int ROOT = 0;
    static final int BEHIND_REASONING = 1;

    private final Tokenizer tokenizer;
    private @Nullable TokenTrie trie;
    private final Map<Structure, CompiledStructure> compiled = new LinkedHashMap<>(16, 0.75f, true);

    /** Makes an empty cache. */
    public GrammarCache(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * Returns the compiled structure.
     *
     * @throws RejectedException if it is wrong, uses what isn't supported, can't be met or is too large
     */
    public synchronized CompiledStructure get(Structure structure) {
        CompiledStructure known = compiled.get(structure);
        if (known != null) {
            return known;
        }
        CompiledStructure made;
        try {
            made = compile(structure);
        } catch (StructureException e) {
            throw new RejectedException(Stage.VALIDATE, false, structure.field() + ": " + e.getMessage());
        }
        compiled.put(structure, made);
        if (compiled.size() > MAX_STRUCTURES) {
            compiled.remove(compiled.keySet().iterator().next());
        }
        return made;
    }

    private CompiledStructure compile(Structure structure) {
        if (!tokenizer.hasText()) {
            throw new StructureException(
                    "the model folder has no tokenizer.json, so tokens have no text: put the published file there");
        }
        if (trie == null) {
            trie = new TokenTrie(tokenizer);
        }
        return new CompiledStructure(grammar(structure), trie, tokenizer);
    }

    /** Returns the rules of a structure: {@link #ROOT}, {@link #BEHIND_REASONING} and what they call. */
    static Grammar grammar(Structure structure) {
        long numChars = structure.source().length()
                + structure.choices().stream().mapToLong(String::length).sum();
        if (numChars > MAX_CHARS) {
            throw new StructureException(
                    "it has " + numChars + " characters but the limit is " + MAX_CHARS + ": shorten it");
        }
        Grammar grammar = new Grammar();
        grammar.newRule();
        grammar.newRule();
        grammar.define(ROOT, root(structure, grammar));
        Expr newline = new Expr.Chars(CharSet.of('\n'));
        grammar.define(BEHIND_REASONING, Expr.seq(new Expr.Repeat(newline, 0, 2), new Expr.Call(ROOT)));
        return grammar.finish();
    }

    private static Expr root(Structure structure, Grammar grammar) {
        return switch (structure.kind()) {
            case REGEX -> RegexParser.whole(structure.source());
            case CHOICE -> choice(structure);
            case JSON_OBJECT -> new JsonRules(grammar).anyObject();
            case JSON_SCHEMA -> SchemaCompiler.compile(structure.source(), grammar);
            case GRAMMAR -> EbnfParser.parse(structure.source(), grammar);
        };
    }

    private static Expr choice(Structure structure) {
        if (structure.choices().isEmpty()) {
            throw new StructureException("it has no choices: give at least one");
        }
        return new Expr.Choice(structure.choices().stream().map(Expr::text).toList());
    }
}
