package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineMetrics;
import io.millrace.engine.RejectedException.Stage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MetricsEndpointTest {
    private static String scrape(int port) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Test
    void showsCountersGaugesAndHistogramsThatAddUp() throws Exception {
        EngineMetrics engine = new EngineMetrics();
        engine.generationTokens.add(12);
        engine.totalPages.set(8);
        engine.usedPages.set(2);
        engine.timeToFirstToken.observe(3_000_000, 1);
        engine.timeToFirstToken.observe(60_000_000_000L, 2);
        engine.timeToFirstToken.observe(5_000_000_000_000L, 1);
        PipelineTotals.OF_JVM.deadLetters(Stage.SINK).increment(); // shared with other tests: some, not none
        int port = freePort();
        try (MetricsEndpoint endpoint = MetricsEndpoint.acquire(new PortRange(port, port), engine)) {
            assertThat(endpoint.port()).isEqualTo(port);
            assertThat(scrape(port)).containsPattern("\\nmillrace_dead_letters_total\\{stage=\"sink\"} [1-9]");
            assertThat(scrape(port).lines())
                    .contains(
                            "millrace_generation_tokens_total 12.0",
                            "millrace_kv_cache_usage_perc 0.25",
                            "millrace_request_success_total{finished_reason=\"stop\"} 0.0",
                            "# TYPE millrace_time_to_first_token_seconds histogram",
                            "millrace_time_to_first_token_seconds_bucket{le=\"0.001\"} 0",
                            "millrace_time_to_first_token_seconds_bucket{le=\"0.005\"} 1",
                            "millrace_time_to_first_token_seconds_bucket{le=\"50.0\"} 2",
                            "millrace_time_to_first_token_seconds_bucket{le=\"1000.0\"} 2",
                            "millrace_time_to_first_token_seconds_bucket{le=\"+Inf\"} 3",
                            "millrace_time_to_first_token_seconds_count 3",
                            "millrace_time_to_first_token_seconds_sum 5030.003");
        }
    }

    @Test
    void isSharedByTheSubtasksAndEndsWithTheLast() throws Exception {
        int port = freePort();
        PortRange range = new PortRange(port, port);
        EngineMetrics engine = new EngineMetrics();
        MetricsEndpoint first = MetricsEndpoint.acquire(range, engine);
        MetricsEndpoint second = MetricsEndpoint.acquire(range, engine);
        assertThatThrownBy(() -> MetricsEndpoint.acquire(new PortRange(1, 2), engine))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("give its jobs the same --metrics-port");
        first.close();
        assertThat(scrape(port)).contains("millrace_steps_total 0");
        second.close();
        assertThatThrownBy(() -> scrape(port)).isInstanceOf(IOException.class);
    }

    @Test
    void takesTheNextPortWhenOneIsTakenAndSaysWhenNoneIsLeft() throws Exception {
        try (ServerSocket taken = new ServerSocket(0)) {
            int port = taken.getLocalPort();
            EngineMetrics engine = new EngineMetrics();
            assertThatThrownBy(() -> MetricsEndpoint.acquire(new PortRange(port, port), engine))
                    .isInstanceOf(ConfigException.class)
                    .hasMessage("no port of --metrics-port " + port
                            + " is free: give a range with a port for each task manager of the machine, such as"
                            + " 9400-9409");
            try (MetricsEndpoint endpoint = MetricsEndpoint.acquire(new PortRange(port, port + 20), engine)) {
                assertThat(endpoint.port()).isGreaterThan(port);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "0", "70000", "9409-9400", "9400-", "9400-9409-1"})
    void refusesWhatIsNoRange(String text) {
        assertThatThrownBy(() -> PortRange.parse(text))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("must be a port or a");
    }
}
