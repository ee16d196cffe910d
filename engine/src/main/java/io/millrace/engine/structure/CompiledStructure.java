package io.millrace.engine.structure;

import io.millrace.engine.text.ChatTemplate;
import io.millrace.engine.text.Tokenizer;

/** A structure ready for use by any number of sequences. What it gives out belongs to the engine loop. */
public final class CompiledStructure {
    private final Automaton automaton;
    private final int numWords;
    private final int think;
    private final int endThink;

    CompiledStructure(Grammar grammar, TokenTrie trie, Tokenizer tokenizer) {
        automaton = new Automaton(grammar, trie);
        numWords = (trie.numTokens() + 63) / 64;
        think = tokenizer.idOf(ChatTemplate.THINK).orElse(-1);
        endThink = tokenizer.idOf(ChatTemplate.END_THINK).orElse(-1);
    }

    /**
     * Starts a sequence.
     *
     * @param endIds ids that end it: the model's end tokens and the request's stop ids
     * @param startsInsideReasoning whether its prompt leaves a reasoning open
     * @param mayReason whether it may open one itself
     */
    public GrammarMask newMask(int[] endIds, boolean startsInsideReasoning, boolean mayReason) {
        boolean canClose = endThink >= 0;
        return new GrammarMask(this, endIds, startsInsideReasoning && canClose, mayReason && canClose && think >= 0);
    }

    Automaton automaton() {
        return automaton;
    }

    Automaton.State start() {
        return automaton.start(GrammarCache.ROOT);
    }

    Automaton.State startBehindReasoning() {
        return automaton.start(GrammarCache.BEHIND_REASONING);
    }

    boolean opensReasoning(int token) {
        return think >= 0 && token == think;
    }

    boolean closesReasoning(int token) {
        return token == endThink;
    }

    /** Returns the id of {@code <think>}, −1 if there is none. */
    int think() {
        return think;
    }

    int numWords() {
        return numWords;
    }
}
