package io.millrace.job.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What came back in a demo, counted. Thread: the command's. */
final class DemoTally {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, SamplePrompt> prompts = new HashMap<>();
    /** First completion of each id, by id. */
    private final Map<String, byte[]> completions = new TreeMap<>();

    private final Map<String, byte[]> deadLetters = new TreeMap<>();
    private double[] ttftMs = new double[256];
    private int numTtft;
    private int numDuplicated;
    private int numCorrect;
    private long completionTokens;
    private long resumedTokens;

    /** An answer, taken apart. */
    record Answer(SamplePrompt prompt, String reasoning, String content, String boxed, boolean isCorrect) {}

    DemoTally(List<SamplePrompt> prompts) {
        prompts.forEach(p -> this.prompts.put(p.id(), p));
    }

    /** Counts a completion. Returns what it says; throws if its id was never asked. */
    Answer completion(byte[] value) {
        JsonNode json;
        try {
            json = JSON.readTree(value);
        } catch (IOException e) {
            throw new UncheckedIOException("a completion isn't JSON", e);
        }
        String id = json.path("id").asText();
        SamplePrompt prompt = prompts.get(id);
        if (prompt == null) {
            throw new IllegalStateException("a completion has the id \"" + id + "\", which was never asked");
        }
        JsonNode message = json.path("choices").path(0).path("message");
        String content = message.path("content").asText("");
        boolean isCorrect = prompt.isAnsweredBy(content);
        if (completions.putIfAbsent(id, value) != null || deadLetters.containsKey(id)) {
            numDuplicated++;
        } else {
            numCorrect += isCorrect ? 1 : 0;
            completionTokens += json.path("usage").path("completion_tokens").asLong();
            JsonNode provenance = json.path("provenance");
            resumedTokens += provenance.path("resumed").asLong();
            if (provenance.path("ttft_ms").isNumber()) {
                addTtft(provenance.path("ttft_ms").asDouble());
            }
        }
        String reasoning = message.path("reasoning_content").asText("").strip();
        return new Answer(prompt, reasoning, content.strip(), SamplePrompt.boxed(content), isCorrect);
    }

    /** Counts a dead letter. */
    void deadLetter(String id, byte[] value) {
        if (deadLetters.putIfAbsent(id, value) != null || completions.containsKey(id)) {
            numDuplicated++;
        }
    }

    private void addTtft(double ms) {
        if (numTtft == ttftMs.length) {
            ttftMs = Arrays.copyOf(ttftMs, 2 * numTtft);
        }
        ttftMs[numTtft++] = ms;
    }

    /** Returns the median time to first token in milliseconds, NaN if nothing came. */
    double ttftP50Ms() {
        double[] sorted = Arrays.copyOf(ttftMs, numTtft);
        Arrays.sort(sorted);
        return numTtft == 0 ? Double.NaN : sorted[(numTtft - 1) / 2];
    }

    int numRequests() {
        return prompts.size();
    }

    int numCompletions() {
        return completions.size();
    }

    int numDeadLetters() {
        return deadLetters.size();
    }

    int numLost() {
        return prompts.size() - completions.size() - deadLetters.size();
    }

    int numDuplicated() {
        return numDuplicated;
    }

    int numCorrect() {
        return numCorrect;
    }

    long completionTokens() {
        return completionTokens;
    }

    long resumedTokens() {
        return resumedTokens;
    }

    /** Returns the completions by id, in the order of ids. */
    Map<String, byte[]> completions() {
        return completions;
    }

    /** Returns the dead letters by id, in the order of ids. */
    Map<String, byte[]> deadLetters() {
        return deadLetters;
    }
}
