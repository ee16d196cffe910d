package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Runs requests through an engine in the test's own thread and collects what comes out. */
final class EngineRun {
    static final Path TINY = Path.of("..", "models", "tiny-r1");

    /** What became of one request. */
    static final class Outcome implements EngineListener {
        final Map<Integer, List<Integer>> deltaTokens = new TreeMap<>();
        final Map<Integer, List<TokenLogprobs>> logprobs = new TreeMap<>();
        final Map<Integer, StringBuilder> deltaText = new TreeMap<>();
        final Map<Integer, EngineEvent.Finished> finished = new TreeMap<>();
        List<TokenLogprobs> scores;
        RejectedException rejected;
        RuntimeException failure;

        @Override
        public void onEvent(EngineEvent event) {
            if (event instanceof EngineEvent.Delta d) {
                Arrays.stream(d.tokenIds())
                        .forEach(t -> deltaTokens
                                .computeIfAbsent(d.sampleIndex(), k -> new ArrayList<>())
                                .add(t));
                deltaText
                        .computeIfAbsent(d.sampleIndex(), k -> new StringBuilder())
                        .append(d.reasoningDelta())
                        .append(d.contentDelta());
                if (d.logprobs() != null) {
                    logprobs.computeIfAbsent(d.sampleIndex(), k -> new ArrayList<>())
                            .addAll(d.logprobs());
                }
            } else if (event instanceof EngineEvent.Finished f) {
                finished.put(f.sampleIndex(), f);
            } else if (event instanceof EngineEvent.Scored s) {
                assertThat(scores).as("scored twice").isNull();
                scores = s.logprobs();
            } else {
                rejected = ((EngineEvent.Rejected) event).cause();
            }
        }

        @Override
        public void onEngineFailure(RuntimeException cause) {
            failure = cause;
        }
    }

    private EngineRun() {}

    static EngineConfig config(int threads, int maxNumSeqs, int chunk, int maxModelLen, long kvBytes) {
        return config(threads, maxNumSeqs, chunk, maxModelLen, kvBytes, true, 0);
    }

    static EngineConfig config(
            int threads,
            int maxNumSeqs,
            int chunk,
            int maxModelLen,
            long kvBytes,
            boolean isPrefixCacheOn,
            int draftTokens) {
        return new EngineConfig(
                TINY,
                TappedBackendProvider.NAME,
                threads,
                maxNumSeqs,
                chunk,
                maxModelLen,
                kvBytes,
                isPrefixCacheOn,
                draftTokens,
                SamplingOptions.NONE);
    }

    static SamplingOptions sampling(Integer maxTokens, Double temperature, Double topP, Long seed) {
        return new SamplingOptions(
                maxTokens,
                null,
                temperature,
                topP,
                null,
                null,
                null,
                null,
                null,
                seed,
                null,
                null,
                null,
                null,
                null,
                null);
    }

    static EngineRequest request(String id, PromptInput prompt, SamplingOptions options) {
        return new EngineRequest(id, prompt, SamplingParams.resolve(options, 0), 0, null);
    }

    /** Submits all, steps until nothing is left, checks the pages after every step. */
    static Map<String, Outcome> run(Engine engine, List<EngineRequest> requests) {
        Map<String, Outcome> outcomes = new LinkedHashMap<>();
        for (EngineRequest r : requests) {
            Outcome o = new Outcome();
            outcomes.put(r.id(), o);
            engine.submit(r, o);
        }
        while (engine.step()) {
            engine.checkPages();
        }
        return outcomes;
    }

    static List<JsonNode> jsonl(String file) {
        ObjectMapper mapper = new ObjectMapper();
        try {
            List<JsonNode> rows = new ArrayList<>();
            for (String line : Files.readAllLines(TINY.resolve(file))) {
                rows.add(mapper.readTree(line));
            }
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static PromptInput.Chat chat(JsonNode row) {
        List<ChatMessage> messages = new ArrayList<>();
        for (JsonNode m : row.get("messages")) {
            messages.add(new ChatMessage(
                    ChatMessage.Role.valueOf(m.get("role").asText().toUpperCase(java.util.Locale.ROOT)),
                    m.get("content").asText()));
        }
        return new PromptInput.Chat(messages);
    }

    static int[] ints(JsonNode array) {
        int[] out = new int[array.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = array.get(i).asInt();
        }
        return out;
    }
}
