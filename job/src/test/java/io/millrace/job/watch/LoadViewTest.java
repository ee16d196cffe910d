package io.millrace.job.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LoadViewTest {
    /** A task manager's text; first tokens: {@code fast} within 0.1 s, {@code slow} in 0.1 to 0.5 s. */
    private static String text(int running, double kv, int tokens, int fast, int slow, int dead) {
        return """
               millrace_num_requests_running %d
               millrace_num_requests_waiting 3
               millrace_kv_cache_usage_perc %s
               millrace_generation_tokens_total %d
               millrace_prefix_cache_queries_total %d
               millrace_prefix_cache_hits_total %d
               millrace_dead_letters_total{stage="decode"} %d
               millrace_dead_letters_total{stage="sink"} 0
               millrace_request_success_total{finished_reason="stop"} %d
               millrace_time_to_first_token_seconds_bucket{le="0.1"} %d
               millrace_time_to_first_token_seconds_bucket{le="0.5"} %d
               millrace_time_to_first_token_seconds_bucket{le="+Inf"} %d
               """.formatted(
                        running, kv, tokens, 2 * tokens, tokens, dead, fast + slow, fast, fast + slow, fast + slow);
    }

    private static Look look(double seconds, Map<String, String> scrapes, String... silent) {
        return Look.parse((long) (seconds * 1e9), scrapes, List.of(silent));
    }

    @Test
    void addsUpTaskManagersAndGivesRatesOfTheInterval() throws Exception {
        Look before = look(10, Map.of("a:1", text(4, 0.5, 1000, 0, 0, 1), "b:1", text(1, 0.5, 50, 0, 0, 0)));
        Look now = look(12, Map.of("a:1", text(5, 0.75, 1300, 0, 0, 1), "b:1", text(1, 0.25, 150, 0, 0, 2)));

        JsonNode json = new ObjectMapper().readTree(new LoadView(now, before, before).json());

        assertThat(json.path("task_managers").asInt()).isEqualTo(2);
        assertThat(json.path("num_requests_running").asDouble()).isEqualTo(6);
        assertThat(json.path("num_requests_waiting").asDouble()).isEqualTo(6);
        assertThat(json.path("kv_cache_usage_perc").asDouble()).isEqualTo(0.5);
        assertThat(json.path("generation_tokens_per_second").asDouble()).isEqualTo((300 + 100) / 2.0);
        assertThat(json.path("prefix_cache_hit_share").asDouble()).isEqualTo(0.5);
        assertThat(json.path("dead_letters").toString()).isEqualTo("{\"decode\":3.0}");
        assertThat(json.path("draft_acceptance").isNull()).isTrue();
        assertThat(json.path("time_to_first_token_seconds").path("p50").isNull())
                .isTrue();
    }

    @Test
    void quantilesAreInterpolatedWithinTheWindowOnly() {
        Look start = look(0, Map.of("a:1", text(0, 0, 0, 100, 0, 0)));
        Look now = look(30, Map.of("a:1", text(0, 0, 0, 104, 4, 0)));

        // In the window 4 of 8 took up to 0.1 s, and the other 4 lie evenly between 0.1 and 0.5 s.
        assertThat(now.quantile(0.5, "time_to_first_token_seconds", start)).isEqualTo(0.1, within(1e-9));
        assertThat(now.quantile(0.25, "time_to_first_token_seconds", start)).isEqualTo(0.05, within(1e-9));
        assertThat(now.quantile(0.75, "time_to_first_token_seconds", start)).isEqualTo(0.3, within(1e-9));
        // Since the start 104 of 108 were fast.
        assertThat(now.quantile(0.5, "time_to_first_token_seconds", null)).isEqualTo(0.1 * 54 / 104, within(1e-9));
        assertThat(new LoadView(now, start, start).line()).contains("ttft p50 100.0 ms p99 492.0 ms");
    }

    @Test
    void aQuantileBeyondTheLastBoundIsThatBound() {
        Look now = look(
                1,
                Map.of(
                        "a:1",
                        "millrace_e2e_request_latency_seconds_bucket{le=\"2.0\"} 1\n"
                                + "millrace_e2e_request_latency_seconds_bucket{le=\"+Inf\"} 10\n"));

        assertThat(now.quantile(0.5, "e2e_request_latency_seconds", null)).isEqualTo(2);
    }

    @Test
    void aRestartedTaskManagerCountsFromZeroAndANewlySeenOneNotAtAll() {
        Look before = look(0, Map.of("a:1", text(0, 0, 5000, 0, 0, 0)), "b:1");
        Look now = look(1, Map.of("a:1", text(0, 0, 40, 0, 0, 0), "b:1", text(0, 0, 7000, 0, 0, 0)));

        assertThat(now.total("generation_tokens_total", before)).isEqualTo(40);
        assertThat(now.total("generation_tokens_total", null)).isEqualTo(7040);
    }

    @Test
    void theScreenNamesWhoIsSilentAndWhatIsUnknown() {
        Look before = look(0, Map.of("a:1", text(2, 0.25, 10, 0, 0, 0)));
        Look now = look(1, Map.of("a:1", text(2, 0.25, 1510, 0, 0, 2)), "b:1", "c:1");

        assertThat(String.join("\n", new LoadView(now, before, null).screen()))
                .contains("1 task managers, no answer from b:1, c:1")
                .contains("2 running, 3 waiting")
                .contains("1,500 tok/s generated")
                .contains("25 % in use")
                .containsPattern("first token +- +- +-")
                .contains("2 dead letters (2 decode)");
    }
}
