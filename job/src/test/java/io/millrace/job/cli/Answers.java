package io.millrace.job.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Completions of a file without what may differ between runs: when, how fast, and how often interrupted. */
final class Answers {
    private Answers() {}

    static List<String> comparable(Path file) throws IOException {
        List<String> rows = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            ObjectNode row = (ObjectNode) new ObjectMapper().readTree(line);
            row.remove("created");
            row.remove("usage");
            JsonNode provenance = row.path("provenance");
            if (provenance instanceof ObjectNode p) {
                p.remove(List.of("ttft_ms", "total_ms", "resumed", "draft_tokens", "accepted_tokens"));
            }
            rows.add(row.toString());
        }
        return rows;
    }

    static List<String> ids(Path file) throws IOException {
        List<String> ids = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            ids.add(new ObjectMapper().readTree(line).path("id").asText());
        }
        return ids;
    }
}
