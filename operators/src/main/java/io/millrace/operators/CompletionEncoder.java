package io.millrace.operators;

import io.millrace.engine.EngineEvent.Finished;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.ServedModel;
import io.millrace.engine.TokenLogprobs;
import io.millrace.schemas.Completion;
import io.millrace.schemas.CompletionAvro;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.Prompt;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A finished request to the record of its completion, in the codec and form of its prompt. Thread: the mailbox. */
final class CompletionEncoder {
    private static final double NANOS_PER_MILLI = 1e6;

    private final ServedModel model;
    private final Vocabulary vocabulary;
    private final int maxCompletionBytes;
    private final Clock clock;

    /** Makes one; {@code clock} says when a completion is created. */
    CompletionEncoder(ServedModel model, Vocabulary vocabulary, int maxCompletionBytes, Clock clock) {
        this.model = model;
        this.vocabulary = vocabulary;
        this.maxCompletionBytes = maxCompletionBytes;
        this.clock = clock;
    }

    /**
     * Encodes a request all of whose samples are done.
     *
     * @return the prompt's record with the completion as value: same key, same position, same headers but those of a dead letter
     * @throws RejectedException of stage {@link Stage#SINK} if it is too large
     */
    WireRecord encode(InFlightRequest request) {
        Completion completion = completion(request);
        byte[] value = completion.form() == Prompt.Form.AVRO
                ? CompletionAvro.encode(completion)
                : CompletionJson.encode(completion);
        if (value.length > maxCompletionBytes) {
            throw new RejectedException(
                    Stage.SINK,
                    false,
                    "completion has " + value.length + " bytes but the limit is " + maxCompletionBytes
                            + ": ask for fewer tokens, samples or logprobs, or raise max-completion-bytes");
        }
        WireRecord record = request.entry.record().copy();
        record.headers.removeIf(DeadLetters::isErrorHeader);
        record.value = value;
        return record;
    }

    private Completion completion(InFlightRequest request) {
        Prompt prompt = request.prompt;
        List<Finished> results = results(request);
        RunningProgram program = request.program;
        List<Completion.Choice> choices = new ArrayList<>(results.size());
        if (program != null) {
            choices.add(ProgramAnswer.choice(program, request.entry.samples()));
        } else {
            for (int sample : BestOf.chosen(request)) {
                choices.add(choice(request, choices.size(), sample, results.get(sample)));
            }
        }
        int[] promptTokenIds = results.get(0).stats().promptTokenIds();
        // Later samples share what the first one computed; parts of a program are prompts of their own.
        Completion.Usage usage = program != null
                ? ProgramAnswer.usage(results)
                : new Completion.Usage(
                        promptTokenIds.length,
                        results.stream().mapToInt(r -> r.tokenIds().length).sum(),
                        results.get(0).stats().cachedTokens(),
                        results.stream().mapToInt(Finished::reasoningTokens).sum());
        return new Completion(
                prompt.form(),
                request.request.id(),
                prompt.customId(),
                clock.instant().getEpochSecond(),
                model.name(),
                choices,
                program == null ? List.of() : ProgramAnswer.results(program, request.entry.samples()),
                usage,
                prompt.returnTokenIds() ? promptTokenIds : null,
                request.promptLogprobs == null ? null : logprobs(request.promptLogprobs),
                prompt.user(),
                prompt.metadata(),
                provenance(request, results));
    }

    private Completion.Choice choice(InFlightRequest request, int index, int sample, Finished result) {
        boolean hasLogprobs = request.entry.params().topLogprobs() >= 0
                && (request.prompt.bestOf() == null || BestOf.isLogprobsAsked(request.prompt));
        return new Completion.Choice(
                index,
                result.content(),
                result.reasoning(),
                echoed(request.prompt) + result.text(),
                result.reason().wireName(),
                request.prompt.returnTokenIds() ? result.tokenIds() : null,
                hasLogprobs ? logprobs(request.entry.samples().get(sample).logprobs()) : null);
    }

    /** Returns what stands ahead of the generated text: the prompt, if it is to be echoed. */
    private String echoed(Prompt prompt) {
        int[] ids = prompt.tokenIds();
        if (!prompt.isEcho()) {
            return "";
        }
        if (ids == null) {
            return prompt.text() == null ? "" : prompt.text();
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int id : ids) {
            bytes.writeBytes(vocabulary.tokenBytes().apply(id));
        }
        return text(bytes.toByteArray());
    }

    private List<Completion.TokenLogprob> logprobs(List<TokenLogprobs> entries) {
        List<Completion.TokenLogprob> list = new ArrayList<>(entries.size());
        for (TokenLogprobs entry : entries) {
            int[] ids = entry.ids();
            List<Completion.TopLogprob> top = new ArrayList<>(ids.length - 1);
            for (int i = 1; i < ids.length; i++) {
                byte[] bytes = vocabulary.tokenBytes().apply(ids[i]);
                top.add(new Completion.TopLogprob(text(bytes), ids[i], bytes, entry.logprobs()[i]));
            }
            byte[] bytes = vocabulary.tokenBytes().apply(ids[0]);
            list.add(new Completion.TokenLogprob(text(bytes), ids[0], bytes, entry.logprobs()[0], top));
        }
        return list;
    }

    private Completion.Provenance provenance(InFlightRequest request, List<Finished> results) {
        SamplingParams params = request.entry.params();
        double ttftNanos = results.stream()
                .mapToDouble(r -> r.stats().ttftNanos())
                .filter(nanos -> nanos > 0)
                .min()
                .orElse(Double.NaN); // no token was made
        return new Completion.Provenance(
                model.hash(),
                EngineVersion.TEXT,
                model.backend(),
                model.plan(),
                params.seed(),
                sampling(params, request.prompt),
                ttftNanos / NANOS_PER_MILLI,
                (System.nanoTime() - request.takenNanos) / NANOS_PER_MILLI,
                results.stream().mapToInt(r -> r.stats().draftTokens()).sum(),
                results.stream().mapToInt(r -> r.stats().acceptedTokens()).sum(),
                request.resumedTokens,
                request.entry.record().source());
    }

    /** Returns the parameters really used, as a request says them: {@code n} of its {@code best_of} samples. */
    private static Map<String, Object> sampling(SamplingParams p, Prompt prompt) {
        Map<String, Object> map = sampling(p);
        if (prompt.bestOf() != null) {
            map.put("n", BestOf.numReturned(prompt, p.n()));
            map.put("logprobs", BestOf.isLogprobsAsked(prompt));
            map.put("best_of", p.n());
        }
        if (prompt.promptLogprobs() != null) {
            map.put("prompt_logprobs", prompt.promptLogprobs());
        }
        if (!prompt.badWords().isEmpty()) {
            map.put("bad_words", prompt.badWords());
        }
        return map;
    }

    /** Returns the parameters really used, in a fixed order; max_tokens is left out where the rest of the context was allowed. */
    static Map<String, Object> sampling(SamplingParams p) {
        Map<String, Object> map = new LinkedHashMap<>();
        if (p.maxTokens() != SamplingParams.REST_OF_CONTEXT) {
            map.put("max_tokens", p.maxTokens());
        }
        map.put("min_tokens", p.minTokens());
        map.put("temperature", p.temperature());
        map.put("top_p", p.topP());
        map.put("top_k", p.topK());
        map.put("min_p", p.minP());
        map.put("presence_penalty", p.presencePenalty());
        map.put("frequency_penalty", p.frequencyPenalty());
        map.put("repetition_penalty", p.repetitionPenalty());
        map.put("n", p.n());
        map.put("stop", p.stop());
        map.put("stop_token_ids", p.stopTokenIds());
        map.put("ignore_eos", p.ignoreEos());
        Map<String, Double> biases = new LinkedHashMap<>();
        new TreeMap<>(p.logitBias()).forEach((token, bias) -> biases.put(Integer.toString(token), bias));
        map.put("logit_bias", biases);
        map.put("logprobs", p.topLogprobs() >= 0);
        map.put("top_logprobs", Math.max(0, p.topLogprobs()));
        return map;
    }

    private static List<Finished> results(InFlightRequest request) {
        List<Finished> results = new ArrayList<>();
        for (SampleProgress sample : request.entry.samples()) {
            @Nullable Finished result = sample.result();
            if (result == null && request.program != null) {
                continue; // a part that was never run
            }
            if (result == null) {
                throw new IllegalStateException("request " + request.request.id() + " isn't done");
            }
            results.add(result);
        }
        return results;
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8); // incomplete characters become U+FFFD
    }
}
