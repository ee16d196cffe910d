package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.kv.KvBudget;
import io.millrace.engine.structure.Structure;
import io.millrace.engine.structure.Structure.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Structured requests through the engine: what comes out fits, and is the same however the work is cut. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StructureIT {
    private static final int MAX_TOKENS = 160;
    private static final String SCHEMA = """
            {"type":"object","properties":{"answer":{"type":"integer"},"steps":{"type":"array","maxItems":3,
             "items":{"type":"string","maxLength":12}},"unit":{"enum":["kg","m"]}},"required":["answer","unit"]}""";

    private final List<EngineRequest> requests = new ArrayList<>();
    private Map<String, String> want = Map.of();

    @BeforeAll
    void referenceRun() {
        List<Structure> structures = List.of(
                Structure.of(Kind.REGEX, "[a-c]{2,20}|-?[0-9]{1,9}"),
                new Structure(Kind.CHOICE, "", List.of("yes", "no", "it depends")),
                Structure.of(Kind.JSON_SCHEMA, SCHEMA),
                Structure.of(Kind.JSON_OBJECT, ""));
        for (int i = 0; i < 24; i++) {
            requests.add(new EngineRequest(
                    "r" + i,
                    EngineRun.chat(EngineRun.jsonl("eval.jsonl").get(i)),
                    SamplingParams.resolve(
                            EngineRun.sampling(
                                    MAX_TOKENS, List.of(0.0, 0.6, 1.5).get(i % 3), null, (long) i),
                            0),
                    ServiceTerms.ofPriority(0),
                    null,
                    structures.get(i / 3 % structures.size())));
        }
        want = run(EngineRun.config(1, 1, 512, 0, 0, false, 0), new EngineMetrics(), requests);
    }

    private static Map<String, String> run(EngineConfig config, EngineMetrics metrics, List<EngineRequest> list) {
        try (Engine engine = Engine.open(config, metrics)) {
            return outcome(EngineRun.run(engine, list));
        }
    }

    private static Map<String, String> outcome(Map<String, EngineRun.Outcome> outcomes) {
        Map<String, String> out = new TreeMap<>();
        outcomes.forEach((id, o) -> {
            assertThat(o.rejected).as(id).isNull();
            EngineEvent.Finished f = o.finished.get(0);
            out.put(id, Arrays.toString(f.tokenIds()) + " " + f.reason() + " " + f.reasoning() + " | " + f.content());
        });
        return out;
    }

    @Test
    void whatEndedByItselfFits() throws Exception {
        int numAnswers = 0;
        try (Engine engine = Engine.open(EngineRun.config(2, 8, 64, 0, 0), new EngineMetrics())) {
            Map<String, EngineRun.Outcome> outcomes = EngineRun.run(engine, requests);
            assertThat(outcome(outcomes)).isEqualTo(want);
            for (EngineRequest r : requests) {
                EngineEvent.Finished f = outcomes.get(r.id()).finished.get(0);
                Structure s = r.structure();
                if (f.reason() == FinishReason.LENGTH || s == null) {
                    continue; // in its reasoning, or cut: as in vLLM
                }
                assertThat(f.reasoning()).isNotNull();
                switch (s.kind()) {
                    case REGEX -> assertThat(f.content()).matches(s.source());
                    case CHOICE -> assertThat(f.content()).isIn(s.choices());
                    default ->
                        assertThat(new ObjectMapper().readTree(f.content()).isObject())
                                .as(f.content())
                                .isTrue();
                }
                numAnswers++;
            }
        }
        assertThat(numAnswers).isGreaterThan(12);
    }

    @ParameterizedTest
    @CsvSource({"1, 7, 16, true, 0", "2, 64, 64, true, 1", "2, 16, 512, false, 2", "1, 16, 64, true, 3"})
    void sameHoweverItIsCut(int threads, int concurrency, int chunk, boolean isCacheOn, int drafts) {
        EngineMetrics metrics = new EngineMetrics();
        try (Engine engine =
                Engine.open(EngineRun.config(threads, concurrency, chunk, 0, 0, isCacheOn, drafts), metrics)) {
            assertThat(outcome(EngineRun.run(engine, requests))).as("cold").isEqualTo(want);
            assertThat(outcome(EngineRun.run(engine, requests))).as("warm").isEqualTo(want);
        }
        if (drafts > 0) {
            assertThat(metrics.acceptedTokens.sum()).isBetween(100L, metrics.draftTokens.sum() - 20);
        }
    }

    @Test
    void sameUnderPreemptionWithDrafts() {
        EngineMetrics metrics = new EngineMetrics();
        long pageBytes = KvBudget.PAGE_TOKENS * 5L * (64 + 32) * Float.BYTES;
        List<EngineRequest> many = new ArrayList<>();
        for (int copy = 0; copy < 4; copy++) {
            for (EngineRequest r : requests) {
                many.add(new EngineRequest(copy + r.id(), r.prompt(), r.params(), r.terms(), null, r.structure()));
            }
        }
        run(EngineRun.config(2, 64, 64, 0, 33 * pageBytes, false, 2), metrics, many)
                .forEach((id, outcome) -> assertThat(outcome).as(id).isEqualTo(want.get(id.substring(1))));
        assertThat(metrics.preemptions.sum()).isPositive();
    }

    @Test
    void sameResumedFromAnyToken() {
        try (Engine engine = Engine.open(EngineRun.config(2, 64, 64, 0, 0, true, 1), new EngineMetrics())) {
            Map<String, EngineRun.Outcome> whole = EngineRun.run(engine, requests);
            for (int round = 0; round < 4; round++) {
                List<EngineRequest> resumed = new ArrayList<>();
                for (EngineRequest r : requests) {
                    int[] tokens = whole.get(r.id()).finished.get(0).tokenIds();
                    int[] kept = Arrays.copyOf(tokens, tokens.length - Math.min(tokens.length, 1 + round * 3));
                    resumed.add(new EngineRequest(
                            r.id(), r.prompt(), r.params(), r.terms(), new int[][] {kept}, r.structure()));
                }
                assertThat(outcome(EngineRun.run(engine, resumed))).isEqualTo(want);
            }
        }
    }

    @Test
    void anImpossibleStructureIsRejectedByName() {
        EngineRequest r = requests.get(0);
        Structure impossible = Structure.of(Kind.JSON_SCHEMA, "{\"not\":{}}");
        try (Engine engine = Engine.open(EngineRun.config(1, 4, 64, 0, 0), new EngineMetrics())) {
            EngineRun.Outcome o = EngineRun.run(
                            engine,
                            List.of(new EngineRequest("x", r.prompt(), r.params(), r.terms(), null, impossible)))
                    .get("x");
            assertThat(o.rejected).hasMessage("json_schema: keyword \"not\" is not supported: remove it");
        }
    }
}
