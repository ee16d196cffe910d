package io.millrace.job.watch;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Asks task managers for their {@code /metrics}. Thread: one. */
public final class MetricsScrape {
    private final HttpClient client;
    private final List<String> endpoints;
    private final Duration patience;

    /**
     * Makes one.
     *
     * @param endpoints {@code host:port} each
     * @param patience that one has to answer, then it counts as silent
     */
    public MetricsScrape(List<String> endpoints, Duration patience) {
        this.endpoints = List.copyOf(endpoints);
        this.patience = patience;
        client = HttpClient.newBuilder().connectTimeout(patience).build();
    }

    /** Asks all of them, one after the other. */
    public Look look() throws InterruptedException {
        Map<String, String> scrapes = new LinkedHashMap<>();
        List<String> silent = new ArrayList<>();
        for (String endpoint : endpoints) {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + endpoint + "/metrics"))
                    .timeout(patience)
                    .build();
            try {
                HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
                if (response.statusCode() == 200) {
                    scrapes.put(endpoint, response.body());
                } else {
                    silent.add(endpoint);
                }
            } catch (IOException e) {
                silent.add(endpoint); // the view names it
            }
        }
        return Look.parse(System.nanoTime(), scrapes, silent);
    }
}
