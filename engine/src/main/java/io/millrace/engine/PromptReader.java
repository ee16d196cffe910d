package io.millrace.engine;

import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.structure.CompiledStructure;
import io.millrace.engine.structure.GrammarCache;
import io.millrace.engine.structure.Structure;
import io.millrace.engine.text.ChatTemplate;
import io.millrace.engine.text.Tokenizer;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Makes a request's token ids and checks them against the model's limits. Any thread. */
final class PromptReader {
    /**
     * A prompt as the model sees it.
     *
     * @param ids [numTokens] i32
     * @param startsInsideReasoning whether it leaves a reasoning open
     * @param mayReason whether the model may open one itself: behind a conversation that leaves none open
     * @param structure what the answer must look like, null = anything
     * @param firstScored index of the first id whose log-probability is wanted; {@code ids.length} = none's
     */
    @SuppressWarnings("ArrayRecordComponent") // read once, compared by nobody
    record Read(
            int[] ids,
            boolean startsInsideReasoning,
            boolean mayReason,
            @Nullable CompiledStructure structure,
            int firstScored) {}

    private final Tokenizer tokenizer;
    /** Null for a model without tokenizer.json. */
    private final @Nullable ChatTemplate template;

    private final GrammarCache grammars;
    private final int maxModelLen;
    private final int modelContext;

    PromptReader(Tokenizer tokenizer, @Nullable ChatTemplate template, int maxModelLen, int modelContext) {
        this.tokenizer = tokenizer;
        grammars = new GrammarCache(tokenizer);
        this.template = template;
        this.maxModelLen = maxModelLen;
        this.modelContext = modelContext;
    }

    /**
     * Reads a prompt.
     *
     * @throws RejectedException if they don't fit the vocabulary or the context, or the structure can't be had
     */
    Read read(EngineRequest request) {
        int[] ids = ids(request.prompt());
        Scoring scoring = request.scoring();
        int firstScored = scoring == null ? ids.length : 1;
        if (scoring != null && scoring.continuation() != null) {
            firstScored = ids.length;
            ids = withContinuation(ids, scoring.continuation());
        }
        for (int id : ids) {
            checkId("prompt", id);
        }
        request.params().logitBias().keySet().forEach(id -> checkId("logit_bias", id));
        request.params().badWords().forEach(word -> word.forEach(id -> checkId("bad_words", id)));
        checkLength(ids.length, request.params().maxTokens());
        boolean startsInside = template != null && template.startsInsideReasoning(ids);
        boolean isNewTurn = request.prompt() instanceof PromptInput.Chat
                || (request.prompt() instanceof PromptInput.Turn turn
                        && turn.answer().isEmpty());
        boolean mayReason = !startsInside && isNewTurn;
        Structure structure = request.structure();
        return new Read(ids, startsInside, mayReason, structure == null ? null : grammars.get(structure), firstScored);
    }

    private int[] withContinuation(int[] prompt, String text) {
        int[] more = tokenizer.encode(text, false);
        if (more.length == 0) {
            throw new RejectedException(
                    Stage.VALIDATE, false, "the text to score is \"\" but must have at least 1 token: leave it out");
        }
        return IntStream.concat(IntStream.of(prompt), IntStream.of(more)).toArray();
    }

    private void checkId(String field, int id) {
        if (id < 0 || id >= tokenizer.numTokens()) {
            throw new RejectedException(
                    Stage.VALIDATE,
                    false,
                    field + " holds token id " + id + " but the vocabulary has 0 to " + (tokenizer.numTokens() - 1));
        }
    }

    private int[] ids(PromptInput prompt) {
        if (prompt instanceof PromptInput.Tokens tokens) {
            return tokens.ids().clone();
        }
        if (template == null) {
            throw new RejectedException(
                    Stage.TOKENIZE,
                    false,
                    "prompt is text but the model folder has no tokenizer.json: send token ids, or put the published file"
                            + " there");
        }
        if (prompt instanceof PromptInput.Chat chat) {
            return template.render(chat.messages());
        }
        if (prompt instanceof PromptInput.Turn turn) {
            return template.render(turn);
        }
        return template.raw(((PromptInput.Text) prompt).text(), ((PromptInput.Text) prompt).isRaw());
    }

    private void checkLength(int promptTokens, int maxTokens) {
        if (promptTokens == 0) {
            throw new RejectedException(Stage.VALIDATE, false, "prompt has 0 tokens but must have at least 1");
        }
        String wayOut = maxModelLen < modelContext
                ? String.format(Locale.ROOT, "shorten it or raise max-model-len (model allows %,d)", modelContext)
                : "shorten it";
        if (promptTokens >= maxModelLen) {
            throw new RejectedException(
                    Stage.TOKENIZE,
                    false,
                    String.format(
                            Locale.ROOT,
                            "prompt has %,d tokens but the context is %,d: %s",
                            promptTokens,
                            maxModelLen,
                            wayOut));
        }
        if (maxTokens != SamplingParams.REST_OF_CONTEXT && (long) promptTokens + maxTokens > maxModelLen) {
            throw new RejectedException(
                    Stage.TOKENIZE,
                    false,
                    String.format(
                            Locale.ROOT,
                            "prompt has %,d tokens and max_tokens is %,d but the context is %,d: lower max_tokens to %,d or %s",
                            promptTokens,
                            maxTokens,
                            maxModelLen,
                            maxModelLen - promptTokens,
                            wayOut));
        }
    }
}
