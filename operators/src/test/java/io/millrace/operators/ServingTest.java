package io.millrace.operators;

import static io.millrace.operators.TestRecords.json;
import static io.millrace.operators.TestRecords.prompt;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.RejectedException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Partials, cancels and terms of service as the operator handles them, over a fake engine. */
class ServingTest {
    private static final List<Consumer<String>> LISTENERS = new CopyOnWriteArrayList<>();
    private static final Set<String> CANCELLED = new HashSet<>();

    private final FakeEngine engine = new FakeEngine("hash-1");

    @AfterEach
    void nobodyListensAnyMore() {
        assertThat(LISTENERS).isEmpty();
        CANCELLED.clear();
    }

    private static BatchSettings settings(long partialIntervalMillis, boolean isCachePerTenant) {
        BatchSettings s = TestRecords.settings(10, 1 << 20);
        CancelSource cancels = onCancel -> {
            LISTENERS.add(onCancel);
            return new CancelSource.Subscription() {
                @Override
                public boolean isCancelled(String id, long publishedMillis) {
                    return CANCELLED.contains(id);
                }

                @Override
                public void close() {
                    LISTENERS.remove(onCancel);
                }
            };
        };
        return new BatchSettings(
                s.modelFolder(),
                s.backend(),
                s.numThreads(),
                s.maxNumSeqs(),
                s.maxNumBatchedTokens(),
                s.maxModelLen(),
                s.kvCacheBytes(),
                s.isPrefixCacheOn(),
                s.numDraftTokens(),
                s.parallelism(),
                s.samplingDefaultsJson(),
                s.maxInFlightRequests(),
                s.maxInFlightBytes(),
                s.maxRequestBytes(),
                s.maxCompletionBytes(),
                s.defaultContentType(),
                s.isStrict(),
                s.metricsPorts(),
                s.isRestartOnModelChange(),
                new ServingSettings(isCachePerTenant, 0, 0, partialIntervalMillis, cancels));
    }

    private static List<WireRecord> partials(OperatorHarness harness) {
        List<WireRecord> records = new ArrayList<>();
        Iterable<StreamRecord<WireRecord>> elements = harness.flink.getSideOutput(PartialEncoder.TAG);
        if (elements != null) {
            elements.forEach(e -> records.add(e.getValue()));
        }
        return records;
    }

    /** As a live page does it: puts every piece at its offset. Returns the text and whether it ended, by choice. */
    private static Map<Integer, String> page(List<WireRecord> partials) {
        Map<Integer, StringBuilder> texts = new HashMap<>();
        Map<Integer, String> page = new HashMap<>();
        for (WireRecord r : partials) {
            JsonNode choice = json(r).at("/choices/0");
            StringBuilder text = texts.computeIfAbsent(choice.get("index").asInt(), i -> new StringBuilder());
            int offset = choice.get("content_offset").asInt();
            assertThat(offset).as("no gap").isLessThanOrEqualTo(text.length());
            String piece = choice.at("/delta/content").asText();
            if (offset + piece.length() > text.length()) {
                text.append(piece.substring(text.length() - offset));
            }
            String end = choice.get("finish_reason").isNull()
                    ? ""
                    : "|" + choice.get("finish_reason").asText();
            page.put(choice.get("index").asInt(), text + end);
        }
        return page;
    }

    private static String text(String id, int sample, int maxTokens) {
        return FakeEngine.text(FakeEngine.tokens(id, 5, sample, maxTokens));
    }

    @Test
    void partialsAddUpToTheCompletion() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(0, false)).open()) {
            harness.send(prompt("q-1", 1, ",\"seed\":5,\"n\":2,\"max_tokens\":6,\"stream\":true"));
            harness.send(prompt("q-2", 2, ",\"seed\":5,\"max_tokens\":6"));
            harness.steps(engine, 1);
            JsonNode first = json(partials(harness).get(0));
            assertThat(first.get("object").asText()).isEqualTo("chat.completion.chunk");
            assertThat(first.get("id").asText()).isEqualTo("q-1");
            assertThat(first.get("source").asText()).isEqualTo("prompts-3-1");
            assertThat(first.get("model").asText()).isEqualTo("fake");
            harness.steps(engine, 10);
            List<WireRecord> all = partials(harness);
            assertThat(all).allSatisfy(r -> {
                assertThat(new String(r.key, StandardCharsets.UTF_8)).isEqualTo("q-1");
                assertThat(new String(r.header("content-type").value, StandardCharsets.UTF_8))
                        .isEqualTo("application/json");
            });
            assertThat(all).hasSize(2 * 6 + 2);
            assertThat(page(all)).isEqualTo(Map.of(0, text("q-1", 0, 6) + "|length", 1, text("q-1", 1, 6) + "|length"));
            assertThat(harness.completions()).hasSize(2);
        }
    }

    @Test
    void oneRecordAnIntervalNotOneAToken() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(3_600_000, false)).open()) {
            harness.send(prompt("q-1", 1, ",\"seed\":5,\"max_tokens\":20,\"stream\":true"));
            harness.steps(engine, 45);
            List<WireRecord> all = partials(harness);
            assertThat(all).hasSize(2); // the first token at once, all others with the end
            assertThat(page(all).get(0)).startsWith(text("q-1", 0, 20) + "|");
        }
    }

    @Test
    void noPartialsUnlessTheJobHasATopicForThem() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(-1, false)).open()) {
            harness.send(prompt("q-1", 1, ",\"max_tokens\":2,\"stream\":true"));
            harness.steps(engine, 3);
            assertThat(partials(harness)).isEmpty();
            assertThat(harness.completions()).hasSize(1);
        }
    }

    @Test
    void partialsGoOnWhereTheyEndedBeforeAFailure() throws Exception {
        OperatorSubtaskState state;
        List<WireRecord> topic = new ArrayList<>();
        BatchSettings settings = settings(3_600_000, false);
        String whole = text("q-1", 0, 40);
        try (OperatorHarness harness = new OperatorHarness(engine, settings).open()) {
            harness.send(prompt("q-1", 1, ",\"seed\":5,\"max_tokens\":40,\"stream\":true"));
            harness.steps(engine, 2);
            state = harness.checkpoint(1);
            topic.addAll(partials(harness));
        }
        assertThat(page(topic).get(0)).isEqualTo(text("q-1", 0, 2));
        FakeEngine after = new FakeEngine("hash-1");
        try (OperatorHarness harness = new OperatorHarness(after, settings).restore(state)) {
            harness.steps(after, 41);
            List<WireRecord> rest = partials(harness);
            assertThat(json(rest.get(0)).at("/choices/0/content_offset").asInt())
                    .isEqualTo(text("q-1", 0, 2).length());
            topic.addAll(rest);
        }
        assertThat(page(topic).get(0)).startsWith(whole + "|");
        int sent = topic.stream()
                .mapToInt(r -> json(r).at("/choices/0/delta/content").asText().length())
                .sum();
        assertThat(sent).as("nothing came twice").isEqualTo(whole.length());
    }

    @Test
    void aRejectedRequestEndsItsPartials() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(0, false)).open()) {
            harness.send(prompt("q-1", 1, ",\"seed\":5,\"max_tokens\":9,\"stream\":true"));
            harness.steps(engine, 1);
            engine.reject("q-1", new RejectedException(RejectedException.Stage.DECODE_STEP, false, "bad row"));
            harness.runMails();
            assertThat(page(partials(harness)).get(0)).endsWith("|error");
            assertThat(harness.deadLetters()).hasSize(1);
        }
    }

    @Test
    void aCancelEndsEveryRequestOfItsId() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(-1, false)).open()) {
            harness.send(prompt("q-1", 1, ",\"max_tokens\":40,\"return_token_ids\":true"));
            harness.send(prompt("q-2", 2, ",\"max_tokens\":3"));
            harness.send(prompt("q-1", 3, ",\"max_tokens\":40,\"return_token_ids\":true"));
            harness.steps(engine, 2);
            CANCELLED.add("q-1");
            LISTENERS.forEach(l -> l.accept("q-1"));
            LISTENERS.forEach(l -> l.accept("nobody's"));
            harness.runMails();
            harness.steps(engine, 1);
            List<String> ends = harness.completions().stream()
                    .map(r -> json(r).get("id").asText() + " "
                            + json(r).at("/choices/0/finish_reason").asText() + " "
                            + json(r).at("/choices/0/token_ids").size())
                    .toList();
            assertThat(ends).containsExactly("q-1 cancelled 2", "q-2 length 0", "q-1 cancelled 2");
        }
    }

    @Test
    void aRequestThatWasCancelledBeforeItCameIsNotDecoded() throws Exception {
        CANCELLED.add("q-1");
        try (OperatorHarness harness = new OperatorHarness(engine, settings(-1, false)).open()) {
            harness.send(prompt("q-1", 1, ",\"max_tokens\":40"));
            harness.steps(engine, 1);
            assertThat(json(harness.completions().get(0))
                            .at("/choices/0/finish_reason")
                            .asText())
                    .isEqualTo("cancelled");
            assertThat(engine.drawn).hasValue(0);
        }
    }

    @Test
    void theTenantIsTheRequestsOrItsKeysPrefix() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(-1, true)).open()) {
            harness.send(prompt("q-1", 1, ",\"tenant\":\"acme\",\"priority\":3"));
            WireRecord keyed = prompt("q-2", 2, "");
            keyed.key = "beta/q-2".getBytes(StandardCharsets.UTF_8);
            harness.send(keyed);
            harness.send(prompt("q-3", 3, ""));
            assertThat(engine.received.stream()
                            .map(r -> r.terms().priority() + " " + r.terms().tenant() + " "
                                    + r.terms().cacheSalt())
                            .toList())
                    .containsExactly("3 acme acme", "0 beta beta", "0  null");
        }
    }

    @Test
    void aCancelledProgramBeginsNothingMore() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(-1, false)).open()) {
            harness.send(TestRecords.record(
                    1,
                    "{\"id\":\"p\",\"program\":[{\"fork\":2,\"do\":[{\"gen\":\"a\",\"max_tokens\":6},"
                            + "{\"gen\":\"b\",\"max_tokens\":6}]}]}"));
            harness.steps(engine, 8); // both b's have begun
            CANCELLED.add("p");
            LISTENERS.forEach(l -> l.accept("p"));
            harness.runMails();
            harness.steps(engine, 3);
            JsonNode completion = json(harness.completions().get(0));
            assertThat(completion.get("finish_reason").asText()).isEqualTo("cancelled");
            assertThat(completion.get("results")).hasSize(4);
            assertThat(completion.at("/results/a[1]/finish_reason").asText()).isEqualTo("length");
            assertThat(completion.at("/results/b[1]/finish_reason").asText()).isEqualTo("cancelled");
            assertThat(completion.at("/results/b[1]/completion_tokens").asInt()).isEqualTo(2);

            harness.send(TestRecords.record(2, "{\"id\":\"p\",\"program\":[{\"gen\":\"a\"},{\"gen\":\"b\"}]}"));
            harness.steps(engine, 3); // cancelled before it came
            assertThat(json(harness.completions().get(1)).get("results")).hasSize(1);
        }
    }
}
