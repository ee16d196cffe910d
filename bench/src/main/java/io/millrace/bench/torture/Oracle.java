package io.millrace.bench.torture;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.WireException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Knows every completion of the undisturbed run, as a hash, and counts what a disturbed one lost, doubled, or changed. Thread: one. */
final class Oracle {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, byte[]> expected = new HashMap<>();
    private final Map<String, Integer> seen = new HashMap<>();
    private int changed;
    private long completionTokens;
    private long resumedTokens;

    /**
     * Reads the undisturbed run.
     *
     * @param completions one a line
     */
    Oracle(Path completions) throws IOException {
        try (BufferedReader in = Files.newBufferedReader(completions)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                byte[] value = line.getBytes(UTF_8);
                expected.put(JSON.readTree(value).path("id").asText(), hash(value));
            }
        }
    }

    /** Returns how many prompts there are. */
    int size() {
        return expected.size();
    }

    /** Takes a completion of the disturbed run. */
    void completion(byte[] value) throws IOException {
        JsonNode json = JSON.readTree(value);
        String id = json.path("id").asText();
        seen.merge(id, 1, Integer::sum);
        changed += Arrays.equals(expected.get(id), hash(value)) ? 0 : 1;
        completionTokens += json.at("/usage/completion_tokens").asLong();
        resumedTokens += json.at("/provenance/resumed").asLong();
    }

    /** Takes a dead letter: none is expected. */
    void deadLetter(String id) {
        seen.merge(id, 1, Integer::sum);
        changed++;
    }

    /** Returns how many prompts have an answer. */
    int numAnswered() {
        return seen.size();
    }

    int numLost() {
        return (int)
                expected.keySet().stream().filter(id -> !seen.containsKey(id)).count();
    }

    int numDoubled() {
        return seen.values().stream().mapToInt(n -> n - 1).sum();
    }

    int numChanged() {
        return changed;
    }

    /** Returns the tokens of all completions. */
    long completionTokens() {
        return completionTokens;
    }

    /** Returns the tokens that completions had before their last failure and kept. */
    long resumedTokens() {
        return resumedTokens;
    }

    /** Everything that may not differ between runs; where a prompt lay, topic or file, is left out. */
    private static byte[] hash(byte[] value) {
        try {
            ObjectNode json = (ObjectNode) JSON.readTree(CompletionJson.comparable(value));
            ((ObjectNode) json.path("provenance")).remove("source");
            return MessageDigest.getInstance("SHA-256").digest(JSON.writeValueAsBytes(json));
        } catch (WireException | IOException e) {
            throw new IllegalStateException("no completion: " + new String(value, UTF_8), e);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JDK has it
        }
    }
}
