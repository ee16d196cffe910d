package io.millrace.operators;

import static io.millrace.operators.TestRecords.json;
import static io.millrace.operators.TestRecords.prompt;
import static io.millrace.operators.TestRecords.settings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.SamplingOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/** Cuts a run by a checkpoint and goes on from it: every token must be as in a run without a cut, and none made twice. */
class ResumeTest {
    private static final BatchSettings SETTINGS = settings(100, 1 << 20);
    private static final String FIELDS = ",\"return_token_ids\":true,\"logprobs\":true,\"top_logprobs\":2";

    private final FakeEngine before = new FakeEngine("hash-1");
    private final FakeEngine after = new FakeEngine("hash-1");
    private final List<WireRecord> completions = new ArrayList<>();

    @Test
    void everyTokenIsTheSameAndNoneIsMadeTwice() throws Exception {
        for (int cut = 0; cut <= 40; cut += 5) {
            assertResumesExactly(cut, 1);
        }
    }

    @Test
    void threeSubtasksShareWhatOneLeft() throws Exception {
        List<Integer> shares = assertResumesExactly(2, 3);
        assertThat(shares).containsExactly(2, 2, 2);
    }

    /** Returns how many requests each subtask got. */
    private List<Integer> assertResumesExactly(int cut, int parallelism) throws Exception {
        FakeEngine first = new FakeEngine("hash-1");
        FakeEngine second = new FakeEngine("hash-1");
        List<WireRecord> out = new ArrayList<>();
        OperatorSubtaskState state;
        try (OperatorHarness harness = new OperatorHarness(first, SETTINGS).open()) {
            sendSix(harness);
            harness.steps(first, cut);
            state = harness.checkpoint(1);
            out.addAll(harness.completions());
            harness.steps(first, 3); // progress after the checkpoint is lost, and is the same when made again
        }
        int kept = 0;
        int total = 0;
        for (EngineRequest request : first.received) {
            for (int i = 0; i < request.params().n(); i++) {
                int length = FakeEngine.tokens(request.id(), request.params().seed(), i, Integer.MAX_VALUE).length;
                kept += Math.min(cut, length);
                total += length;
            }
        }
        List<Integer> shares = new ArrayList<>();
        for (int index = 0; index < parallelism; index++) {
            OperatorSubtaskState part = AbstractStreamOperatorTestHarness.repartitionOperatorState(
                    AbstractStreamOperatorTestHarness.repackageState(state),
                    OperatorHarness.MAX_PARALLELISM,
                    1,
                    parallelism,
                    index);
            int alreadyReceived = second.received.size();
            try (OperatorHarness harness = new OperatorHarness(() -> second, SETTINGS, parallelism, index)) {
                harness.restore(part);
                shares.add(second.received.size() - alreadyReceived);
                harness.steps(second, 50);
                out.addAll(harness.completions());
            }
        }
        assertThat(out).extracting(TestRecords::comparable).containsExactlyInAnyOrderElementsOf(undisturbed());
        assertThat(second.drawn.get()).as("tokens made after the cut at " + cut).isEqualTo(total - kept);
        return shares;
    }

    @Test
    void oneSubtaskTakesOverFromThree() throws Exception {
        OperatorSubtaskState[] states = new OperatorSubtaskState[3];
        for (int index = 0; index < 3; index++) {
            try (OperatorHarness harness = new OperatorHarness(() -> before, SETTINGS, 3, index).open()) {
                harness.send(prompt("q-" + 2 * index, 2 * index, FIELDS + ",\"n\":2"));
                harness.send(prompt("q-" + (2 * index + 1), 2 * index + 1, FIELDS + ",\"n\":2"));
                harness.steps(before, 2);
                states[index] = harness.checkpoint(1);
                assertThat(harness.completions()).isEmpty();
            }
        }
        OperatorSubtaskState merged = AbstractStreamOperatorTestHarness.repartitionOperatorState(
                AbstractStreamOperatorTestHarness.repackageState(states), OperatorHarness.MAX_PARALLELISM, 3, 1, 0);
        try (OperatorHarness harness = new OperatorHarness(after, SETTINGS).restore(merged)) {
            assertThat(after.received)
                    .hasSize(6)
                    .allSatisfy(r -> assertThat(Arrays.stream(r.keptTokens()).mapToInt(k -> k.length))
                            .containsExactly(2, 2));
            harness.steps(after, 50);
            completions.addAll(harness.completions());
        }
        assertThat(completions).extracting(TestRecords::comparable).containsExactlyInAnyOrderElementsOf(undisturbed());
    }

    @Test
    void whatTheEngineSaidBeforeTheBarrierIsInTheCheckpoint() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(before, SETTINGS).open()) {
            harness.send(prompt("q-1", 1, ",\"max_tokens\":2"));
            harness.send(prompt("q-2", 2, ",\"max_tokens\":3"));
            before.step();
            before.step(); // q-1 is finished, but no mail has run
            harness.flink.prepareSnapshotPreBarrier(1);
            assertThat(harness.completions()).as("emitted ahead of the barrier").hasSize(1);
            before.step(); // behind the barrier: neither emitted nor journaled
            OperatorSubtaskState state = harness.flink.snapshot(1, 1);
            assertThat(harness.completions()).hasSize(1);
            try (OperatorHarness restored = new OperatorHarness(after, SETTINGS).restore(state)) {
                assertThat(after.received).extracting(EngineRequest::id).containsExactly("q-2");
                assertThat(after.received.get(0).keptTokens()[0]).hasSize(2);
                restored.steps(after, 1);
                assertThat(restored.completions()).hasSize(1);
            }
        }
    }

    @Test
    void aSecondRestoreKeepsTheFirstOnesTokensToo() throws Exception {
        OperatorSubtaskState state;
        try (OperatorHarness harness = new OperatorHarness(before, SETTINGS).open()) {
            sendSix(harness);
            harness.steps(before, 1);
            state = harness.checkpoint(1);
        }
        for (int attempt = 0; attempt < 10; attempt++) {
            FakeEngine next = new FakeEngine("hash-1");
            try (OperatorHarness harness = new OperatorHarness(next, SETTINGS).restore(state)) {
                harness.steps(next, 4);
                state = harness.checkpoint(attempt + 2);
                completions.addAll(harness.completions());
            }
        }
        assertThat(completions).extracting(TestRecords::comparable).containsExactlyInAnyOrderElementsOf(undisturbed());
    }

    @Test
    void changedDefaultsDoNotTouchRequestsInFlight() throws Exception {
        OperatorSubtaskState state;
        try (OperatorHarness harness = new OperatorHarness(before, SETTINGS).open()) {
            sendSix(harness);
            harness.steps(before, 2);
            state = harness.checkpoint(1);
        }
        after.defaults = new SamplingOptions(
                1, null, 0.25, 0.5, 3, null, null, null, null, 99L, null, null, null, null, null, null);
        try (OperatorHarness harness = new OperatorHarness(after, SETTINGS).restore(state)) {
            harness.steps(after, 50);
            assertThat(harness.completions())
                    .extracting(TestRecords::comparable)
                    .containsExactlyInAnyOrderElementsOf(undisturbed());
        }
    }

    @Test
    void refusesAnotherModelUnlessTold() throws Exception {
        OperatorSubtaskState state;
        try (OperatorHarness harness = new OperatorHarness(before, SETTINGS).open()) {
            harness.send(prompt("q-1", 1, FIELDS));
            harness.steps(before, 2);
            state = harness.checkpoint(1);
        }
        FakeEngine other = new FakeEngine("hash-2");
        OperatorHarness refusing = new OperatorHarness(other, SETTINGS);
        assertThatThrownBy(() -> refusing.restore(state))
                .isInstanceOf(SuppressRestartsException.class)
                .rootCause()
                .isInstanceOf(ConfigException.class)
                .hasMessage("request prompts-3-1 was begun by model hash-1 but hash-2 is served: restore with that"
                        + " model, or start unfinished requests anew with --on-model-change=restart");
        refusing.close();
        assertThat(other.openLeases).hasValue(0);

        try (OperatorHarness harness = new OperatorHarness(other, settings(100, 1 << 20, 4096, true)).restore(state)) {
            assertThat(other.received.get(0).keptTokens()).isNull();
            harness.steps(other, 50);
            assertThat(json(harness.completions().get(0))
                            .at("/provenance/model_hash")
                            .asText())
                    .isEqualTo("hash-2");
        }
    }

    @Test
    void aDeadlineThatPassedWhileTheTaskWasDownEndsTheRequest() throws Exception {
        WireRecord prompt = prompt("q-1", 1, FIELDS + ",\"deadline_ms\":500");
        OperatorSubtaskState state;
        try (OperatorHarness harness = new OperatorHarness(before, SETTINGS)) {
            harness.flink.setProcessingTime(prompt.timestamp);
            harness.open().send(prompt);
            harness.steps(before, 2);
            state = harness.checkpoint(1);
        }
        try (OperatorHarness harness = new OperatorHarness(after, SETTINGS)) {
            harness.flink.setProcessingTime(prompt.timestamp + 60_000);
            harness.restore(state);
            harness.flink.setProcessingTime(prompt.timestamp + 60_001);
            harness.steps(after, 1);
            JsonNode choice = json(harness.completions().get(0)).at("/choices/0");
            assertThat(choice.get("finish_reason").asText()).isEqualTo("deadline");
            assertThat(choice.get("token_ids")).hasSize(2);
            assertThat(after.drawn).hasValue(0);
        }
    }

    @Test
    void requestThatNoLongerDecodesGoesToTheDeadLetters() throws Exception {
        OperatorSubtaskState state;
        try (OperatorHarness harness = new OperatorHarness(before, SETTINGS).open()) {
            harness.send(prompt("q-1", 1, ",\"user\":\"" + "x".repeat(100) + "\""));
            harness.send(prompt("q-2", 2, ""));
            state = harness.checkpoint(1);
        }
        try (OperatorHarness harness = new OperatorHarness(after, settings(100, 1 << 20, 100, false)).restore(state)) {
            harness.checkpoint(2); // even if the first mail comes after the first barrier
            assertThat(harness.deadLetters()).hasSize(1);
            assertThat(TestRecords.header(harness.deadLetters().get(0), "__llm.errors.message"))
                    .contains("bytes but the limit is 100");
            harness.steps(after, 50);
            assertThat(harness.completions()).hasSize(1);
        }
    }

    @Test
    void restoredRequestsHoldTheWatermark() throws Exception {
        OperatorSubtaskState state;
        try (OperatorHarness harness = new OperatorHarness(before, SETTINGS).open()) {
            harness.send(prompt("q-1", 1, ",\"max_tokens\":2"));
            state = harness.checkpoint(1);
        }
        try (OperatorHarness harness = new OperatorHarness(after, SETTINGS).restore(state)) {
            harness.flink.processWatermark(10);
            assertThat(harness.flink.getOutput()).isEmpty();
            harness.steps(after, 2);
            assertThat(new ArrayList<>(harness.flink.getOutput()))
                    .hasSize(2)
                    .last()
                    .isEqualTo(new Watermark(10));
        }
    }

    @Test
    void aReusedInputObjectDoesNotReachTheJournal() throws Exception {
        OperatorSubtaskState state;
        WireRecord reused = prompt("q-1", 1, FIELDS);
        try (OperatorHarness harness = new OperatorHarness(before, SETTINGS).open()) {
            harness.send(reused);
            WireRecord next = prompt("q-2", 2, FIELDS);
            reused.key = next.key;
            reused.value = next.value;
            reused.offset = 2;
            reused.headers.clear();
            state = harness.checkpoint(1);
        }
        try (OperatorHarness harness = new OperatorHarness(after, SETTINGS).restore(state)) {
            harness.steps(after, 50);
            WireRecord completion = harness.completions().get(0);
            assertThat(json(completion).get("id").asText()).isEqualTo("q-1");
            assertThat(completion.source()).isEqualTo("prompts-3-1");
            assertThat(completion.header("traceparent")).isNotNull();
        }
    }

    private static void sendSix(OperatorHarness harness) throws Exception {
        for (int i = 0; i < 6; i++) {
            harness.send(prompt("q-" + i, i, FIELDS + ",\"n\":2"));
        }
    }

    private static List<String> undisturbed() throws Exception {
        FakeEngine engine = new FakeEngine("hash-1");
        try (OperatorHarness harness = new OperatorHarness(engine, SETTINGS).open()) {
            sendSix(harness);
            harness.steps(engine, 50);
            List<String> all =
                    harness.completions().stream().map(TestRecords::comparable).toList();
            assertThat(all).hasSize(6);
            for (WireRecord completion : harness.completions()) {
                assertTokens(completion);
            }
            return all;
        }
    }

    private static void assertTokens(WireRecord completion) {
        String id = json(completion).get("id").asText();
        long seed = json(completion).at("/provenance/seed").asLong();
        assertThat(seed).isEqualTo(PromptValidator.seedOf(id));
        for (int i = 0; i < 2; i++) {
            int[] expected = FakeEngine.tokens(id, seed, i, Integer.MAX_VALUE);
            assertThat(TestRecords.tokenIds(json(completion), i)).containsExactly(expected);
            assertThat(json(completion).at("/choices/" + i + "/logprobs/content"))
                    .hasSize(expected.length);
        }
    }
}
