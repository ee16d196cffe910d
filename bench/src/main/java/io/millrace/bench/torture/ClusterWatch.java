package io.millrace.bench.torture;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.job.local.LocalCluster;
import io.millrace.job.watch.Look;
import io.millrace.job.watch.MetricsScrape;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Asks the task managers' {@code /metrics} and the job manager how the run is doing. Any thread, one at a time. */
final class ClusterWatch {
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final LocalCluster cluster;
    private final String jobId;
    private final MetricsScrape taskManagers;
    private final Map<String, Long> lastTokens = new HashMap<>();
    private long tokensOfTheDead;

    ClusterWatch(LocalCluster cluster, String jobId) {
        this.cluster = cluster;
        this.jobId = jobId;
        taskManagers = new MetricsScrape(cluster.settings().metricsEndpoints(), PATIENCE);
    }

    /** Returns how many sequences are being decoded or prefilled now, on all task managers. */
    long running() {
        return (long) look().sum("num_requests_running");
    }

    /** Returns the tokens drawn until now by all task managers that ever were, as far as they were asked before they died. */
    long tokensDrawn() {
        Look look = look();
        for (String endpoint : cluster.settings().metricsEndpoints()) {
            double now = look.value(endpoint, "generation_tokens_total");
            if (!Double.isNaN(now)) {
                long last = lastTokens.getOrDefault(endpoint, 0L);
                tokensOfTheDead += now < last ? last : 0; // another process
                lastTokens.put(endpoint, (long) now);
            }
        }
        return tokensOfTheDead
                + lastTokens.values().stream().mapToLong(Long::longValue).sum();
    }

    private Look look() {
        try {
            return taskManagers.look();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** Returns whether every subtask of the job runs; false also if the job manager doesn't answer. */
    boolean isAllRunning() {
        try {
            JsonNode job = cluster.rest("/jobs/" + jobId);
            int total = 0;
            for (JsonNode vertex : job.path("vertices")) {
                total += vertex.path("parallelism").asInt();
            }
            return job.path("state").asText().equals("RUNNING")
                    && total > 0
                    && job.at("/status-counts/RUNNING").asInt()
                            == job.path("vertices").size()
                    && subtasksRunning(job) == total;
        } catch (IOException e) {
            return false;
        }
    }

    private static int subtasksRunning(JsonNode job) {
        int running = 0;
        for (JsonNode vertex : job.path("vertices")) {
            running += vertex.at("/tasks/RUNNING").asInt();
        }
        return running;
    }
}
