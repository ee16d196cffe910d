package io.millrace.bench.torture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads the streamed text of requests, and sees restarts in it: a piece that begins before the furthest end was made twice, because the
 * request went on from its journal there. What lay before it was kept. Thread: one.
 */
final class StreamedText {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, Long> furthest = new HashMap<>();
    private double[] kept = new double[64];
    private int restarts;

    /** Takes a record of the topic for partial completions. */
    void chunk(byte[] value) throws IOException {
        JsonNode chunk = JSON.readTree(value);
        JsonNode choice = chunk.path("choices").path(0);
        JsonNode delta = choice.path("delta");
        long start = choice.path("reasoning_offset").asLong()
                + choice.path("content_offset").asLong();
        long end = start
                + delta.path("reasoning_content").asText("").length()
                + delta.path("content").asText("").length();
        Long before = furthest.get(chunk.path("id").asText());
        if (before != null && start < before) {
            restart((double) start / before);
            furthest.put(chunk.path("id").asText(), end);
        } else {
            furthest.merge(chunk.path("id").asText(), end, Math::max);
        }
    }

    private void restart(double share) {
        if (restarts == kept.length) {
            kept = Arrays.copyOf(kept, 2 * restarts);
        }
        kept[restarts++] = share;
    }

    /** Returns how many times a request was seen to go on from its journal. */
    int numRestarts() {
        return restarts;
    }

    /**
     * Returns the share of the text so far that a restarted request kept.
     *
     * @param share of the restarts that kept less, 0 to 1: 0.5 is the median
     */
    double keptShare(double share) {
        double[] sorted = Arrays.copyOf(kept, restarts);
        Arrays.sort(sorted);
        return restarts == 0 ? Double.NaN : sorted[(int) Math.round(share * (restarts - 1))];
    }
}
