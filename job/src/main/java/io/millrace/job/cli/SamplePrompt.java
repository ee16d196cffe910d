package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A question with a known answer.
 *
 * @param id unique in the demo
 * @param question what is asked
 * @param answer what the last {@code \boxed{}} must hold
 * @param body the prompt record, JSON
 */
record SamplePrompt(String id, String question, String answer, String body) {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** The longest right answer has about 100 tokens; a wrong one may never end. */
    private static final int MAX_TOKENS = 256;

    /** Returns that many prompts of an eval.jsonl, from the start; again from the start with other ids when it ends. */
    static List<SamplePrompt> load(Path file, int count) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw new ConfigException("can't read the sample prompts " + file + ": " + e.getMessage(), e);
        }
        List<SamplePrompt> prompts = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int round = i / lines.size();
            prompts.add(parse(lines.get(i % lines.size()), round == 0 ? "" : "-" + (round + 1)));
        }
        return prompts;
    }

    private static SamplePrompt parse(String line, String suffix) {
        try {
            JsonNode eval = JSON.readTree(line);
            ObjectNode body = JSON.createObjectNode();
            String id = eval.path("id").asText() + suffix;
            body.put("id", id);
            body.set("messages", eval.path("messages"));
            body.put("temperature", 0);
            body.put("max_tokens", MAX_TOKENS);
            String question = eval.path("messages").path(0).path("content").asText();
            return new SamplePrompt(id, question, eval.path("answer").asText(), JSON.writeValueAsString(body));
        } catch (IOException e) {
            throw new ConfigException("sample prompt isn't JSON: " + line, e);
        }
    }

    /** Returns the record's value. */
    byte[] value() {
        return body.getBytes(UTF_8);
    }

    /** Returns whether the last {@code \boxed{}} of a text holds the answer. */
    boolean isAnsweredBy(String content) {
        return Objects.equals(boxed(content), answer);
    }

    /** Returns what the last {@code \boxed{}} of a text holds, empty if there is none. */
    static String boxed(String content) {
        int start = content.lastIndexOf("\\boxed{");
        int end = start < 0 ? -1 : content.indexOf('}', start);
        return end < 0
                ? ""
                : content.substring(start + "\\boxed{".length(), end).strip();
    }
}
