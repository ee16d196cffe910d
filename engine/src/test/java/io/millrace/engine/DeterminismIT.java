package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.kv.KvBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Same tokens and same logit bits for every prompt, whatever runs beside it and however it is cut. The build runs the test tagged
 * "width" at 512 bits, 256 bits and scalar; {@link #FINGERPRINT} holds all three together. {@code -Dmillrace.full=true}: the whole
 * matrix.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DeterminismIT {
    /** Hash over tokens and logit bits of the reference run, the same for every vector width, thread count and JDK. */
    private static final int FINGERPRINT = -5434456;

    private static final boolean FULL = Boolean.getBoolean("millrace.full");

    private final List<EngineRequest> requests = new ArrayList<>();
    private Map<String, String> want = Map.of();
    private Map<String, Integer> wantRows = Map.of();
    private int wantBits;

    @BeforeAll
    void referenceRun() {
        List<JsonNode> rows = new ArrayList<>(EngineRun.jsonl("goldens.jsonl"));
        rows.addAll(EngineRun.jsonl("eval.jsonl").subList(0, 24));
        for (int i = 0; i < rows.size(); i++) {
            // Every prompt twice: greedy, and sampled hot enough to leave the beaten track.
            requests.add(EngineRun.request(
                    "greedy" + i, EngineRun.chat(rows.get(i)), EngineRun.sampling(48, 0.0, null, 2L * i)));
            requests.add(EngineRun.request(
                    "sampled" + i,
                    EngineRun.chat(rows.get(i)),
                    EngineRun.sampling(48, i % 2 == 0 ? 0.6 : 4.0, 0.95, 2L * i + 1)));
        }
        want = run(EngineRun.config(1, 7, 512, 0, 0, false, 0), new EngineMetrics());
        wantRows = Map.copyOf(TappedBackendProvider.ROW_BITS);
        wantBits = wantRows.hashCode();
    }

    @AfterEach
    void reset() {
        TappedBackendProvider.reset();
    }

    private Map<String, String> run(EngineConfig config, EngineMetrics metrics) {
        Map<String, String> tokens = new TreeMap<>();
        try (Engine engine = Engine.open(config, metrics)) {
            TappedBackendProvider.reset(); // of the warm-up's rows
            EngineRun.run(engine, requests)
                    .forEach((id, o) -> tokens.put(
                            id, o.deltaTokens + " " + o.finished.get(0).reason()));
        }
        return tokens;
    }

    private void assertSame(EngineConfig config, EngineMetrics metrics) {
        assertThat(run(config, metrics)).isEqualTo(want);
        assertThat(TappedBackendProvider.ROW_BITS.hashCode()).isEqualTo(wantBits);
    }

    @Test
    void samplingLeavesTheGreedyPath() {
        long different = want.entrySet().stream()
                .filter(e -> e.getKey().startsWith("sampled"))
                .filter(e -> !e.getValue().equals(want.get(e.getKey().replace("sampled", "greedy"))))
                .count();
        assertThat(different).isGreaterThan(20);
    }

    @Test
    @Tag("width")
    void sameBitsAtEveryVectorWidth() {
        assertThat(31 * want.hashCode() + wantBits).isEqualTo(FINGERPRINT);
    }

    static Stream<int[]> matrix() {
        List<int[]> all = new ArrayList<>();
        for (int threads : new int[] {1, 2}) {
            for (int concurrency : new int[] {1, 7, 64}) {
                for (int chunk : new int[] {16, 64, 512}) {
                    all.add(new int[] {threads, concurrency, chunk});
                }
            }
        }
        // In CI each value of each axis, every pair of chunk and concurrency once in two runs.
        return all.stream().filter(m -> FULL || (m[0] + m[1] + m[2]) % 3 == 0);
    }

    @ParameterizedTest
    @MethodSource("matrix")
    void sameBitsWhateverThreadsConcurrencyAndChunk(int[] m) {
        assertSame(EngineRun.config(m[0], m[1], m[2], 0, 0), new EngineMetrics());
    }

    @Test
    void sameBitsWithPrefixesFromTheCacheColdAndWarm() {
        EngineMetrics metrics = new EngineMetrics();
        try (Engine engine = Engine.open(EngineRun.config(2, 16, 64, 0, 0, true, 0), metrics)) {
            long hits = 0;
            for (String run : List.of("cold", "warm")) {
                TappedBackendProvider.reset(); // of the warm-up's rows
                Map<String, String> tokens = new TreeMap<>();
                EngineRun.run(engine, requests)
                        .forEach((id, o) -> tokens.put(
                                id, o.deltaTokens + " " + o.finished.get(0).reason()));
                assertThat(tokens).as(run).isEqualTo(want);
                assertThat(TappedBackendProvider.ROW_BITS.hashCode()).as(run).isEqualTo(wantBits);
                assertThat(metrics.prefixCacheHits.sum()).as(run).isGreaterThan(hits);
                hits = metrics.prefixCacheHits.sum();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sameBitsUnderPreemption(boolean isPrefixCacheOn) {
        EngineMetrics metrics = new EngineMetrics();
        long pageBytes = KvBudget.PAGE_TOKENS * 4L * (64 + 32) * Float.BYTES;
        assertSame(EngineRun.config(2, 64, 64, 0, 33 * pageBytes, isPrefixCacheOn, 0), metrics);
        assertThat(metrics.preemptions.sum()).isGreaterThan(10);
        assertThat(metrics.recomputedTokens.sum()).isGreaterThan(300);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void sameBitsWithDrafts(int draftTokens) {
        EngineMetrics metrics = new EngineMetrics();
        assertThat(run(EngineRun.config(2, 16, 64, 0, 0, true, draftTokens), metrics))
                .isEqualTo(want);
        assertSameRows();
        assertThat(metrics.acceptedTokens.sum()).isBetween(1000L, metrics.draftTokens.sum() - 100);
    }

    @Test
    void sameBitsWithDraftsUnderPreemption() {
        EngineMetrics metrics = new EngineMetrics();
        long pageBytes = KvBudget.PAGE_TOKENS * 5L * (64 + 32) * Float.BYTES;
        assertThat(run(EngineRun.config(2, 64, 512, 0, 33 * pageBytes, true, 2), metrics))
                .isEqualTo(want);
        assertSameRows();
        assertThat(metrics.preemptions.sum()).isGreaterThan(5);
        assertThat(metrics.acceptedTokens.sum()).isGreaterThan(1000);
    }

    @Test
    void greedyDraftsOfTheShippedModelAreNearlyAllAccepted() {
        EngineMetrics metrics = new EngineMetrics();
        List<EngineRequest> greedy = new ArrayList<>();
        for (JsonNode row : EngineRun.jsonl("eval.jsonl").subList(0, 100)) {
            greedy.add(EngineRun.request(
                    row.get("id").asText(), EngineRun.chat(row), EngineRun.sampling(220, 0.0, null, 1L)));
        }
        try (Engine engine = Engine.open(EngineRun.config(2, 32, 512, 0, 0, true, 1), metrics)) {
            EngineRun.run(engine, greedy).values().forEach(o -> {
                EngineEvent.SampleStats stats = o.finished.get(0).stats();
                assertThat(stats.acceptedTokens()).isBetween(1, stats.draftTokens());
            });
        }
        assertThat(metrics.acceptedTokens.sum()).isGreaterThan(metrics.draftTokens.sum() * 99 / 100);
        // Every other token is a draft.
        assertThat(metrics.acceptedTokens.sum()).isGreaterThan(metrics.generationTokens.sum() * 45 / 100);
    }

    /** The last row drawn at a position is the one that counts; behind a sequence's end rows of drafts may be left. */
    private void assertSameRows() {
        wantRows.forEach((key, bits) ->
                assertThat(TappedBackendProvider.ROW_BITS.get(key)).as(key).isEqualTo(bits));
    }

    @Test
    void sameBitsWhenResumedFromAnyToken() {
        EngineMetrics metrics = new EngineMetrics();
        try (Engine engine = Engine.open(EngineRun.config(2, 64, 64, 0, 0), metrics)) {
            TappedBackendProvider.reset(); // of the warm-up's rows
            Map<String, EngineRun.Outcome> whole = EngineRun.run(engine, requests);
            List<EngineRequest> resumed = new ArrayList<>();
            for (int i = 0; i < requests.size(); i++) {
                EngineRequest r = requests.get(i);
                int[] tokens = whole.get(r.id()).finished.get(0).tokenIds();
                int[] kept = java.util.Arrays.copyOf(tokens, i * 7 % (tokens.length + 1));
                resumed.add(new EngineRequest(r.id(), r.prompt(), r.params(), 0, new int[][] {kept}));
            }
            long drawnBefore = metrics.generationTokens.sum();
            Map<String, EngineRun.Outcome> again = EngineRun.run(engine, resumed);
            long missing = 0;
            for (int i = 0; i < resumed.size(); i++) {
                EngineEvent.Finished first =
                        whole.get(resumed.get(i).id()).finished.get(0);
                EngineEvent.Finished second =
                        again.get(resumed.get(i).id()).finished.get(0);
                assertThat(second.tokenIds()).isEqualTo(first.tokenIds());
                assertThat(second.text()).isEqualTo(first.text());
                assertThat(second.reasoning()).isEqualTo(first.reasoning());
                assertThat(second.content()).isEqualTo(first.content());
                assertThat(second.reason()).isEqualTo(first.reason());
                missing += first.tokenIds().length - second.stats().keptTokens();
            }
            // Kept tokens are never drawn again.
            assertThat(metrics.generationTokens.sum() - drawnBefore).isEqualTo(missing);
        }
        assertThat(TappedBackendProvider.ROW_BITS.hashCode()).isEqualTo(wantBits);
    }
}
