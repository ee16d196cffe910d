package io.millrace.operators;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ChatMessage;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.program.Program;
import io.millrace.engine.program.Step;
import io.millrace.engine.program.Template;
import io.millrace.engine.text.Tokenizer;
import io.millrace.schemas.Prompt;
import io.millrace.schemas.PromptJson;
import io.millrace.schemas.WireException;
import io.millrace.schemas.WireLimits;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * {@code program} of a prompt, a JSON array of steps, as the engine's {@link Program}. An object's first known name says which step
 * it is; any name that doesn't belong to the step is an error. One parse, one thread.
 */
final class ProgramParser {
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(WireLimits.DEFAULT.maxDepth())
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Of a gen, beside its name and its structure. */
    private static final Set<String> SAMPLING = Set.of(
            "max_tokens",
            "max_completion_tokens",
            "min_tokens",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "presence_penalty",
            "frequency_penalty",
            "repetition_penalty",
            "seed",
            "stop",
            "stop_token_ids",
            "ignore_eos",
            "logit_bias",
            "bad_words",
            "response_format",
            "guided_json",
            "guided_regex",
            "guided_choice",
            "guided_grammar");

    private final SamplingOptions defaults;
    private final Tokenizer tokenizer;
    private final Consumer<SamplingParams> check;
    private final int maxSteps;

    /**
     * Makes one.
     *
     * @param defaults what a gen doesn't say: the request's own, resolved
     * @param tokenizer of the model
     * @param check refuses tokens and biases out of range
     * @param maxSteps a count of branches or rounds above it is refused at once
     */
    ProgramParser(SamplingOptions defaults, Tokenizer tokenizer, Consumer<SamplingParams> check, int maxSteps) {
        this.defaults = defaults;
        this.tokenizer = tokenizer;
        this.check = check;
        this.maxSteps = maxSteps;
    }

    /**
     * Reads a program, whose bounds and names are still to be checked.
     *
     * @throws RejectedException naming the step, what is wrong and the way out
     */
    Program parse(String json) {
        JsonNode root;
        try {
            root = MAPPER.readTree(json);
        } catch (JsonProcessingException e) {
            throw rejected("program", "is not valid JSON: " + e.getOriginalMessage());
        }
        return new Program(steps(root, "program"));
    }

    private List<Step> steps(@Nullable JsonNode array, String at) {
        if (array == null || !array.isArray() || array.isEmpty()) {
            throw rejected(at, "is " + shown(array) + " but must be an array of steps, at least one");
        }
        List<Step> steps = new ArrayList<>(array.size());
        for (JsonNode step : array) {
            steps.add(step(step, at + "[" + steps.size() + "]"));
        }
        return steps;
    }

    private Step step(JsonNode node, String at) {
        if (!(node instanceof ObjectNode step)) {
            throw rejected(at, "is " + shown(node) + " but must be an object");
        }
        for (Iterator<String> names = step.fieldNames(); names.hasNext(); ) {
            switch (names.next()) {
                case "system" -> {
                    return say(step, ChatMessage.Role.SYSTEM, "system", at);
                }
                case "user" -> {
                    return say(step, ChatMessage.Role.USER, "user", at);
                }
                case "assistant" -> {
                    return say(step, ChatMessage.Role.ASSISTANT, "assistant", at);
                }
                case "gen" -> {
                    return gen(step, at);
                }
                case "select" -> {
                    return select(step, at);
                }
                case "fork" -> {
                    return fork(step, at);
                }
                case "repeat" -> {
                    return repeat(step, at);
                }
                default -> {}
            }
        }
        throw rejected(
                at, "is " + shown(node) + " but must have one of system, user, assistant, gen, select, fork, repeat");
    }

    private static Step say(ObjectNode step, ChatMessage.Role role, String name, String at) {
        onlyNames(step, at, Set.of(name));
        return new Step.Say(role, Template.parse(text(step, name, at), at + "." + name));
    }

    private Step gen(ObjectNode step, String at) {
        String name = name(step, "gen", at);
        ObjectNode request = MAPPER.createObjectNode().put("prompt", "");
        for (var field : step.properties()) {
            if (SAMPLING.contains(field.getKey())) {
                request.set(field.getKey(), field.getValue());
            } else if (!field.getKey().equals("gen")) {
                throw rejected(at, "has \"" + field.getKey() + "\", which is no field of a gen: remove it");
            }
        }
        try {
            // A request without a prompt: the same fields are read by the same code.
            byte[] bytes = request.toString().getBytes(StandardCharsets.UTF_8);
            Prompt prompt = PromptJson.decode(bytes, WireLimits.ofRequestBytes(Integer.MAX_VALUE), true);
            SamplingOptions options = SamplingLayers.of(prompt.sampling()).orElse(defaults);
            SamplingParams params =
                    SamplingParams.resolve(options, 0).withBadWords(BadWords.ids(prompt.badWords(), tokenizer));
            check.accept(params);
            return new Step.Gen(name, params, PromptValidator.structure(prompt));
        } catch (WireException | RejectedException e) {
            throw rejected(at, String.valueOf(e.getMessage()));
        }
    }

    private static Step select(ObjectNode step, String at) {
        onlyNames(step, at, Set.of("select", "from", "by"));
        JsonNode from = step.path("from");
        if (!from.isArray() || from.isEmpty()) {
            throw rejected(at + ".from", "is " + shown(from) + " but must be an array of texts, at least one");
        }
        List<Template> choices = new ArrayList<>();
        for (JsonNode choice : from) {
            String path = at + ".from[" + choices.size() + "]";
            if (!choice.isTextual() || choice.textValue().isEmpty()) {
                throw rejected(path, "is " + shown(choice) + " but must be a text that isn't empty");
            }
            choices.add(Template.parse(choice.textValue(), path));
        }
        String by = step.has("by") ? text(step, "by", at) : "mean";
        if (!by.equals("mean") && !by.equals("sum")) {
            throw rejected(at + ".by", "is \"" + by + "\" but must be mean (per token) or sum (of the whole text)");
        }
        return new Step.Select(name(step, "select", at), choices, by.equals("mean"));
    }

    private Step fork(ObjectNode step, String at) {
        JsonNode fork = step.path("fork");
        if (!fork.isArray()) {
            onlyNames(step, at, Set.of("fork", "do"));
            return Step.Fork.of(count(fork, at + ".fork"), steps(step.get("do"), at + ".do"));
        }
        onlyNames(step, at, Set.of("fork"));
        if (fork.isEmpty()) {
            throw rejected(at + ".fork", "is [] but must have at least one branch, or be a number beside do");
        }
        List<List<Step>> branches = new ArrayList<>();
        for (JsonNode branch : fork) {
            branches.add(steps(branch, at + ".fork[" + branches.size() + "]"));
        }
        return new Step.Fork(branches, false);
    }

    private Step repeat(ObjectNode step, String at) {
        onlyNames(step, at, Set.of("repeat", "do", "until"));
        int times = count(step.path("repeat"), at + ".repeat");
        List<Step> body = steps(step.get("do"), at + ".do");
        JsonNode until = step.get("until");
        if (until == null) {
            return new Step.Repeat(times, body, null);
        }
        if (!until.isObject() || until.size() != 1 || !until.iterator().next().isTextual()) {
            throw rejected(at + ".until", "is " + shown(until) + " but must be {\"NAME\": \"TEXT\"}");
        }
        String name = until.fieldNames().next();
        return new Step.Repeat(
                times,
                body,
                new Step.Until(name, Template.parse(until.path(name).textValue(), at + ".until")));
    }

    private int count(JsonNode node, String at) {
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 1 || node.intValue() > maxSteps) {
            throw rejected(
                    at, "is " + shown(node) + " but must be from 1 to " + maxSteps + ", which is max-program-steps");
        }
        return node.intValue();
    }

    private static String name(ObjectNode step, String field, String at) {
        String name = text(step, field, at);
        if (!Program.isName(name)) {
            throw rejected(
                    at + "." + field,
                    "is " + shown(step.path(field))
                            + " but a name has 1 to 64 letters, digits and _, and begins with no digit");
        }
        return name;
    }

    private static String text(ObjectNode step, String field, String at) {
        JsonNode value = step.path(field);
        if (!value.isTextual()) {
            throw rejected(at + "." + field, "is " + shown(value) + " but must be a string");
        }
        return value.textValue();
    }

    private static void onlyNames(ObjectNode step, String at, Set<String> names) {
        for (Iterator<String> found = step.fieldNames(); found.hasNext(); ) {
            String name = found.next();
            if (!names.contains(name)) {
                throw rejected(at, "has \"" + name + "\", which doesn't belong to this step: remove it");
            }
        }
    }

    private static String shown(@Nullable JsonNode node) {
        if (node == null || node.isMissingNode()) {
            return "missing";
        }
        String text = node.toString();
        return text.length() > 80 ? text.substring(0, 80) + "…" : text;
    }

    private static RejectedException rejected(String at, String reason) {
        return new RejectedException(Stage.VALIDATE, false, at + ": " + reason);
    }
}
