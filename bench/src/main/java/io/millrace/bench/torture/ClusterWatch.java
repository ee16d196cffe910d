package io.millrace.bench.torture;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.job.local.LocalCluster;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.OptionalLong;

/** Asks the task managers' {@code /metrics} and the job manager how the run is doing. Any thread, one at a time. */
final class ClusterWatch {
    private final LocalCluster cluster;
    private final String jobId;
    private final int firstPort;
    private final long[] lastTokens;
    private long tokensOfTheDead;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofMillis(300)).build();

    ClusterWatch(LocalCluster cluster, String jobId) {
        this.cluster = cluster;
        this.jobId = jobId;
        firstPort = cluster.settings().ports().firstMetrics();
        lastTokens = new long[cluster.settings().numTaskManagers()];
    }

    /** Returns how many sequences are being decoded or prefilled now, on all task managers. */
    long running() {
        long sum = 0;
        for (int i = 0; i < lastTokens.length; i++) {
            sum += metric(i, "millrace_num_requests_running").orElse(0);
        }
        return sum;
    }

    /** Returns the tokens drawn until now by all task managers that ever were, as far as they were asked before they died. */
    long tokensDrawn() {
        for (int i = 0; i < lastTokens.length; i++) {
            OptionalLong now = metric(i, "millrace_generation_tokens_total");
            if (now.isPresent()) {
                if (now.getAsLong() < lastTokens[i]) { // another process
                    tokensOfTheDead += lastTokens[i];
                }
                lastTokens[i] = now.getAsLong();
            }
        }
        long sum = tokensOfTheDead;
        for (long tokens : lastTokens) {
            sum += tokens;
        }
        return sum;
    }

    private OptionalLong metric(int taskManager, String name) {
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + (firstPort + taskManager) + "/metrics"))
                .timeout(Duration.ofSeconds(1))
                .build();
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString())
                    .body()
                    .lines()
                    .filter(line -> line.startsWith(name + " "))
                    .mapToLong(line -> (long) Double.parseDouble(line.substring(name.length() + 1)))
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty(); // no engine there
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
