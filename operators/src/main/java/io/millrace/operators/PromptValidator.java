package io.millrace.operators;

import io.millrace.engine.ChatMessage;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.PromptInput;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.Scoring;
import io.millrace.engine.ServedModel;
import io.millrace.engine.ServiceTerms;
import io.millrace.engine.program.Program;
import io.millrace.engine.program.ProgramLimits;
import io.millrace.engine.structure.Structure;
import io.millrace.engine.text.Tokenizer;
import io.millrace.schemas.Prompt;
import io.millrace.schemas.WireLimits;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks what a prompt means for the served model and makes the engine's request of it. Whether prompt and max_tokens fit the
 * context is the engine's to say, which knows the prompt's length. Any thread.
 */
final class PromptValidator {
    private static final double MAX_LOGIT_BIAS = 100; // as the OpenAI API has it

    /** A part is one draw of its own, and results have no log-probabilities of single tokens. */
    private static final SamplingOptions OF_PROGRAM = new SamplingOptions(
            null, null, null, null, null, null, null, null, null, null, 1, null, null, null, null, -1);

    private final String servedName;
    private final SamplingOptions defaults;
    private final Tokenizer tokenizer;
    private final int numTokens;
    private final int maxModelLen;
    private final ServingSettings serving;

    PromptValidator(ServedModel model, Vocabulary vocabulary, ServingSettings serving) {
        this.servedName = model.name();
        this.defaults = model.samplingDefaults();
        this.tokenizer = model.tokenizer();
        this.numTokens = vocabulary.numTokens();
        this.maxModelLen = model.maxModelLen();
        this.serving = serving;
    }

    /**
     * Makes a new request.
     *
     * @throws RejectedException of stage {@link Stage#VALIDATE}, naming field, value and range
     */
    EngineRequest validate(Prompt prompt, WireRecord record) {
        String model = prompt.model();
        check(
                model == null || model.isEmpty() || model.equals(servedName),
                () -> "model is \"" + model + "\" but \"" + servedName + "\" is served: leave it out or ask for that");
        Long deadlineMs = prompt.deadlineMs();
        check(deadlineMs == null || deadlineMs >= 1, () -> "deadline_ms is " + deadlineMs + " but must be at least 1");
        String id = requestId(prompt, record);
        SamplingOptions options = SamplingLayers.of(prompt.sampling()).orElse(defaults);
        SamplingOptions imposed = prompt.program() == null ? BestOf.samples(prompt) : OF_PROGRAM;
        SamplingParams params = SamplingParams.resolve(imposed.orElse(options), seedOf(id))
                .withBadWords(BadWords.ids(prompt.badWords(), tokenizer));
        checkTokens(params);
        return new EngineRequest(
                id, input(prompt), params, terms(prompt, record), null, structure(prompt), scoring(prompt));
    }

    /** Makes the request of a prompt that was valid before a failure: same id, the parameters and tokens that were kept. */
    EngineRequest resume(Prompt prompt, JournalEntry entry) {
        return new EngineRequest(
                requestId(prompt, entry.record()),
                input(prompt),
                entry.params().withBadWords(BadWords.ids(prompt.badWords(), tokenizer)),
                terms(prompt, entry.record()),
                entry.keptTokens(),
                structure(prompt),
                scoring(prompt));
    }

    /**
     * Returns a prompt's program.
     *
     * @param params of its request: what a gen doesn't say
     * @return null if it has none
     * @throws RejectedException if it is wrong, or too large
     */
    @Nullable
    Program program(Prompt prompt, SamplingParams params) {
        String json = prompt.program();
        if (json == null) {
            return null;
        }
        ProgramLimits limits = new ProgramLimits(serving.maxProgramSteps(), serving.maxProgramTokens(), maxModelLen);
        return new ProgramParser(params.toOptions(), tokenizer, this::checkTokens, limits.maxSteps())
                .parse(json)
                .check(limits);
    }

    private void checkTokens(SamplingParams params) {
        for (int token : params.stopTokenIds()) {
            checkToken("stop_token_ids", token);
        }
        params.logitBias().forEach(this::checkBias);
    }

    /** The tenant is the prompt's, else what stands before the first {@code /} in a key that is text, else nobody. */
    private ServiceTerms terms(Prompt prompt, WireRecord record) {
        String tenant = prompt.tenant();
        if (tenant == null) {
            String key = keyText(record.key);
            tenant = key == null || key.indexOf('/') < 0 ? "" : key.substring(0, key.indexOf('/'));
        }
        return new ServiceTerms(
                prompt.priority(), tenant, serving.isCachePerTenant() && !tenant.isEmpty() ? tenant : null, null);
    }

    /**
     * Returns the seed of a request that gives none: the first eight bytes, big-endian, of the SHA-256 of its id in UTF-8. A
     * sample's index enters through the counter of Philox, not here.
     */
    static long seedOf(String id) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(id.getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(hash).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Returns the prompt's id or custom_id, else the key if it is text, else {@code topic-partition-offset}; "" counts as none. */
    private static String requestId(Prompt prompt, WireRecord record) {
        String id = firstGiven(prompt.id(), prompt.customId(), keyText(record.key));
        if (id == null) {
            return record.source();
        }
        int numBytes = id.getBytes(StandardCharsets.UTF_8).length;
        check(
                numBytes <= WireLimits.DEFAULT.maxIdBytes(),
                () -> "id has " + numBytes + " bytes but the limit is " + WireLimits.DEFAULT.maxIdBytes()
                        + ": give a shorter id, custom_id or key");
        return id;
    }

    private static @Nullable String firstGiven(@Nullable String... candidates) {
        for (String candidate : candidates) {
            if (candidate != null && !candidate.isEmpty()) {
                return candidate;
            }
        }
        return null;
    }

    private static @Nullable String keyText(byte @Nullable [] key) {
        if (key == null) {
            return null;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(key))
                    .toString();
        } catch (CharacterCodingException e) {
            return null; // a binary key is no name
        }
    }

    private PromptInput input(Prompt prompt) {
        if (prompt.program() != null) {
            return new PromptInput.Turn(List.of(), List.of()); // each part has its own
        }
        List<Prompt.Message> messages = prompt.messages();
        if (messages != null) {
            check(!messages.isEmpty(), () -> "messages is empty: send at least one");
            List<ChatMessage> turns = new ArrayList<>(messages.size());
            for (int i = 0; i < messages.size(); i++) {
                turns.add(new ChatMessage(
                        role(i, messages.get(i).role()), messages.get(i).content()));
            }
            return new PromptInput.Chat(turns);
        }
        int[] tokenIds = prompt.tokenIds();
        if (tokenIds != null) {
            check(tokenIds.length > 0, () -> "prompt has no token ids: send at least one");
            for (int token : tokenIds) {
                checkToken("prompt", token);
            }
            return new PromptInput.Tokens(tokenIds);
        }
        String text = prompt.text();
        check(text != null, () -> "neither messages nor prompt is given: send one of them");
        return new PromptInput.Text(text == null ? "" : text, prompt.isRaw());
    }

    /** Not journaled: it is read from the prompt again. */
    static @Nullable Structure structure(Prompt prompt) {
        Prompt.Structure asked = prompt.structure();
        return asked == null
                ? null
                : new Structure(Structure.Kind.valueOf(asked.kind().name()), asked.source(), asked.choices());
    }

    /** Not journaled: it is read from the prompt again, and what it asks for is computed again. */
    private static @Nullable Scoring scoring(Prompt prompt) {
        Integer top = prompt.promptLogprobs();
        check(
                top == null || (top >= 0 && top <= SamplingParams.MAX_TOP_LOGPROBS),
                () -> "prompt_logprobs is " + top + " but must be from 0 to " + SamplingParams.MAX_TOP_LOGPROBS);
        return top == null ? null : new Scoring(null, top);
    }

    private static ChatMessage.Role role(int index, String role) {
        return switch (role) {
            case "system" -> ChatMessage.Role.SYSTEM;
            case "user" -> ChatMessage.Role.USER;
            case "assistant" -> ChatMessage.Role.ASSISTANT;
            default ->
                throw rejected(
                        "messages[" + index + "].role is \"" + role + "\" but must be system, user or assistant");
        };
    }

    private void checkBias(int token, double bias) {
        checkToken("logit_bias", token);
        check(
                bias >= -MAX_LOGIT_BIAS && bias <= MAX_LOGIT_BIAS,
                () -> "logit_bias of token " + token + " is " + bias + " but must be from -100 to 100");
    }

    private void checkToken(String field, int token) {
        check(
                token >= 0 && token < numTokens,
                () -> field + " has token id " + token + " but the vocabulary ends at " + (numTokens - 1));
    }

    private static void check(boolean isRight, Supplier<String> message) {
        if (!isRight) {
            throw rejected(message.get());
        }
    }

    private static RejectedException rejected(String message) {
        return new RejectedException(Stage.VALIDATE, false, message);
    }
}
