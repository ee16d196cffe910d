package io.millrace.schemas;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** What one gen of a {@link ProgramBuilder} asks for; the names are those of a prompt's fields. One thread. */
public final class GenOptions {
    private final ObjectNode step;

    GenOptions(ObjectNode step) {
        this.step = step;
    }

    /** Draws at most so many tokens. */
    public GenOptions maxTokens(int count) {
        step.put("max_tokens", count);
        return this;
    }

    /** Masks the ends before so many tokens. */
    public GenOptions minTokens(int count) {
        step.put("min_tokens", count);
        return this;
    }

    /** 0 is greedy. */
    public GenOptions temperature(double temperature) {
        step.put("temperature", temperature);
        return this;
    }

    /** Keeps the likeliest tokens of that probability together. */
    public GenOptions topP(double topP) {
        step.put("top_p", topP);
        return this;
    }

    /** Keeps so many of the likeliest tokens. */
    public GenOptions topK(int topK) {
        step.put("top_k", topK);
        return this;
    }

    /** Drops tokens less likely than that part of the likeliest one. */
    public GenOptions minP(double minP) {
        step.put("min_p", minP);
        return this;
    }

    /** Draws with another seed than the record's, mixed with the part's place, too. */
    public GenOptions seed(long seed) {
        step.put("seed", seed);
        return this;
    }

    /** Ends at one of these texts. */
    public GenOptions stop(String... texts) {
        List.of(texts).forEach(step.putArray("stop")::add);
        return this;
    }

    /** Goes on behind an end token. */
    public GenOptions ignoreEos() {
        step.put("ignore_eos", true);
        return this;
    }

    /** Makes the answer match a regular expression. */
    public GenOptions guidedRegex(String regex) {
        step.put("guided_regex", regex);
        return this;
    }

    /** Makes the answer one of these texts. */
    public GenOptions guidedChoice(String... choices) {
        List.of(choices).forEach(step.putArray("guided_choice")::add);
        return this;
    }

    /** Makes the answer match a JSON schema, given as text. */
    public GenOptions guidedJson(String schema) {
        step.put("guided_json", schema);
        return this;
    }

    /** Makes the answer match a grammar's rule {@code root}. */
    public GenOptions guidedGrammar(String rules) {
        step.put("guided_grammar", rules);
        return this;
    }

    /** Sets any other field that a gen may have, to a value of Jackson's simple types, lists and maps. */
    public GenOptions field(String name, Object value) {
        step.set(name, ProgramBuilder.MAPPER.valueToTree(value));
        return this;
    }
}
