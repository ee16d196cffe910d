package io.millrace.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A line of the shipped model's goldens.jsonl: what its NumPy reference answered in f64, greedily. */
record Golden(String id, int[] promptIds, int[] completionIds, int[] draftIds, List<List<TopLogit>> top5) {
    /** One of the five best at a step. */
    record TopLogit(int id, float logit) {}

    /** Returns all tokens but the last: fed with them, a model shows what it would have said at each step. */
    int[] fed() {
        int[] ids = Arrays.copyOf(promptIds, promptIds.length + completionIds.length - 1);
        System.arraycopy(completionIds, 0, ids, promptIds.length, completionIds.length - 1);
        return ids;
    }

    static List<Golden> all() {
        try (Stream<String> lines = Files.lines(TestConfigs.TINY_R1.resolve("goldens.jsonl"))) {
            List<Golden> goldens = new ArrayList<>();
            for (String line : lines.toList()) {
                JsonNode json = TestConfigs.JSON.readTree(line);
                List<List<TopLogit>> steps = new ArrayList<>();
                json.get("top5")
                        .forEach(step -> steps.add(StreamSupport.stream(step.spliterator(), false)
                                .map(pair -> new TopLogit(
                                        pair.get(0).intValue(), pair.get(1).floatValue()))
                                .toList()));
                goldens.add(new Golden(
                        json.get("id").textValue(),
                        ints(json.get("prompt_ids")),
                        ints(json.get("completion_ids")),
                        ints(json.get("draft_ids")),
                        steps));
            }
            return goldens;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int[] ints(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false)
                .mapToInt(JsonNode::intValue)
                .toArray();
    }
}
