package io.millrace.schemas;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/**
 * Writes a program, step by step, for who publishes prompts from Java ({@code docs/programs.md} says what each step does):
 *
 * <pre>{@code
 * byte[] value = new ProgramBuilder()
 *         .user("What is 14 + 71?")
 *         .fork(8, branch -> branch.gen("try", gen -> gen.maxTokens(100).temperature(1.3)))
 *         .select("best", "{try[0]}", "{try[1]}")
 *         .toPrompt("q-1");
 * }</pre>
 *
 * <p>Texts may have places for results, <code>{name}</code>; {@link #literal} is for text from elsewhere. Bounds and names are checked where the program
 * is run. One thread.
 */
public final class ProgramBuilder {
    static final JsonMapper MAPPER = new JsonMapper();

    private final ArrayNode steps = MAPPER.createArrayNode();

    /** Returns text as it is, its braces doubled, to be put into a step's text. */
    public static String literal(String text) {
        return text.replace("{", "{{").replace("}", "}}");
    }

    /** Adds a system turn. */
    public ProgramBuilder system(String text) {
        return say("system", text);
    }

    /** Adds a user turn. */
    public ProgramBuilder user(String text) {
        return say("user", text);
    }

    /** Lets the assistant say a text; its turn goes on. */
    public ProgramBuilder assistant(String text) {
        return say("assistant", text);
    }

    private ProgramBuilder say(String role, String text) {
        steps.addObject().put(role, text);
        return this;
    }

    /** Lets the model go on, with the record's sampling. */
    public ProgramBuilder gen(String name) {
        return gen(name, options -> {});
    }

    /** Lets the model go on, with options of its own. */
    public ProgramBuilder gen(String name, Consumer<GenOptions> options) {
        options.accept(new GenOptions(steps.addObject().put("gen", name)));
        return this;
    }

    /** Says the text with the highest mean log-probability per token. */
    public ProgramBuilder select(String name, String... from) {
        select(name, List.of(from));
        return this;
    }

    /** Says the text with the highest log-probability of all its tokens together. */
    public ProgramBuilder selectBySum(String name, String... from) {
        select(name, List.of(from)).put("by", "sum");
        return this;
    }

    private ObjectNode select(String name, List<String> from) {
        ObjectNode step = steps.addObject().put("select", name);
        from.forEach(step.putArray("from")::add);
        return step;
    }

    /** Runs branches beside each other. */
    @SafeVarargs
    public final ProgramBuilder fork(Consumer<ProgramBuilder>... branches) {
        ArrayNode fork = steps.addObject().putArray("fork");
        for (Consumer<ProgramBuilder> branch : branches) {
            fork.add(built(branch));
        }
        return this;
    }

    /** Runs {@code count} equal branches beside each other. */
    public ProgramBuilder fork(int count, Consumer<ProgramBuilder> branch) {
        steps.addObject().put("fork", count).set("do", built(branch));
        return this;
    }

    /** Runs {@code times} rounds. */
    public ProgramBuilder repeat(int times, Consumer<ProgramBuilder> round) {
        steps.addObject().put("repeat", times).set("do", built(round));
        return this;
    }

    /** Runs rounds until the result {@code name} is {@code text}, at most {@code times}. */
    public ProgramBuilder repeatUntil(int times, String name, String text, Consumer<ProgramBuilder> round) {
        ObjectNode step = steps.addObject().put("repeat", times);
        step.set("do", built(round));
        step.putObject("until").put(name, text);
        return this;
    }

    private static ArrayNode built(Consumer<ProgramBuilder> block) {
        ProgramBuilder builder = new ProgramBuilder();
        block.accept(builder);
        return builder.steps;
    }

    /** Returns the value of a record's field {@code program}. */
    public String toJson() {
        return steps.toString();
    }

    /** Returns a record's value, [bytes] UTF-8, with nothing but this program. */
    public byte[] toPrompt(String id) {
        ObjectNode prompt = MAPPER.createObjectNode().put("id", id);
        prompt.set("program", steps);
        return prompt.toString().getBytes(StandardCharsets.UTF_8);
    }
}
