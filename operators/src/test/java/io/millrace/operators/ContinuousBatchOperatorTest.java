package io.millrace.operators;

import static io.millrace.operators.TestRecords.header;
import static io.millrace.operators.TestRecords.json;
import static io.millrace.operators.TestRecords.prompt;
import static io.millrace.operators.TestRecords.settings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.kernels.DeviceException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.junit.jupiter.api.Test;

class ContinuousBatchOperatorTest {
    private final FakeEngine engine = new FakeEngine("hash-1");

    @Test
    void completesARequestWithExactTokensKeyAndHeaders() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open()) {
            harness.send(prompt("q-1", 7, ",\"return_token_ids\":true,\"seed\":5"));
            harness.steps(engine, 50);

            assertThat(harness.completions()).hasSize(1);
            WireRecord completion = harness.completions().get(0);
            JsonNode json = json(completion);
            int[] expected = FakeEngine.tokens("q-1", 5, 0, Integer.MAX_VALUE);
            assertThat(TestRecords.tokenIds(json, 0)).containsExactly(expected);
            assertThat(json.get("choices").get(0).get("text").asText()).isEqualTo(FakeEngine.text(expected));
            assertThat(json.get("usage").get("prompt_tokens").asInt()).isEqualTo(3);
            assertThat(json.get("usage").get("completion_tokens").asInt()).isEqualTo(expected.length);
            assertThat(json.get("provenance").get("source").asText()).isEqualTo("prompts-3-7");
            assertThat(completion.key).isEqualTo("key-7".getBytes(StandardCharsets.UTF_8));
            assertThat(completion.header("traceparent").value).containsExactly(1, 2, 3);
        }
    }

    @Test
    void answersAllSamplesOfARequestTogether() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open()) {
            harness.send(prompt("q-1", 7, ",\"return_token_ids\":true,\"seed\":5,\"n\":3"));
            harness.steps(engine, 50);

            JsonNode json = json(harness.completions().get(0));
            assertThat(json.get("choices")).hasSize(3);
            int sum = 0;
            for (int i = 0; i < 3; i++) {
                int[] expected = FakeEngine.tokens("q-1", 5, i, Integer.MAX_VALUE);
                assertThat(TestRecords.tokenIds(json, i)).containsExactly(expected);
                sum += expected.length;
            }
            assertThat(json.get("usage").get("completion_tokens").asInt()).isEqualTo(sum);
        }
    }

    @Test
    void badPromptsGoToTheDeadLettersAtOnceWithTheirBytes() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open()) {
            WireRecord notJson = TestRecords.record(1, "{\"id\":");
            WireRecord wrongModel = prompt("q-2", 2, ",\"model\":\"gpt\"");
            WireRecord tombstone = TestRecords.record(3, "");
            tombstone.value = null;
            harness.send(notJson);
            harness.send(wrongModel);
            harness.send(tombstone);

            assertThat(engine.received).isEmpty();
            List<WireRecord> letters = harness.deadLetters();
            assertThat(letters)
                    .extracting(r -> header(r, "__llm.errors.stage"))
                    .containsExactly("decode", "validate", "decode");
            assertThat(letters.get(0).value).isEqualTo(notJson.value);
            assertThat(letters.get(1).value).isEqualTo(wrongModel.value);
            assertThat(letters.get(1).header("traceparent").value).containsExactly(1, 2, 3);
            assertThat(header(letters.get(1), "__llm.errors.message"))
                    .isEqualTo("model is \"gpt\" but \"fake\" is served: leave it out or ask for that");
            assertThat(letters.get(2).value).isNull();
            assertThat(harness.completions()).isEmpty();
        }
    }

    @Test
    void requestThatTheEngineRejectsGoesToTheDeadLetters() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open()) {
            harness.send(prompt("q-1", 1, ",\"n\":2"));
            harness.send(prompt("q-2", 2, ""));
            harness.steps(engine, 1);
            engine.reject("q-1", new RejectedException(Stage.DECODE_STEP, true, "logits are NaN"));
            harness.steps(engine, 50);

            assertThat(harness.deadLetters()).hasSize(1);
            WireRecord letter = harness.deadLetters().get(0);
            assertThat(header(letter, "__llm.errors.stage")).isEqualTo("decode-step");
            assertThat(header(letter, "__llm.errors.retriable")).isEqualTo("true");
            assertThat(header(letter, "__llm.errors.offset")).isEqualTo("1");
            assertThat(harness.completions()).hasSize(1);
        }
    }

    @Test
    void requestThatTheEngineRejectsAtOnceIsNotInFlight() throws Exception {
        engine.rejectsAtOnce = new RejectedException(Stage.TOKENIZE, false, "prompt is too long");
        try (OperatorHarness harness = new OperatorHarness(engine, settings(1, 1 << 20)).open()) {
            harness.send(prompt("q-1", 1, ""));
            harness.flink.endInput();
            assertThat(harness.deadLetters())
                    .extracting(r -> header(r, "__llm.errors.stage"))
                    .containsExactly("tokenize");
        }
    }

    @Test
    void completionAboveTheLimitGoesToTheDeadLettersWithThePrompt() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open()) {
            WireRecord prompt = prompt("q-1", 1, ",\"n\":128,\"logprobs\":true,\"top_logprobs\":20");
            harness.send(prompt);
            harness.steps(engine, 50);

            assertThat(harness.completions()).isEmpty();
            WireRecord letter = harness.deadLetters().get(0);
            assertThat(letter.value).isEqualTo(prompt.value);
            assertThat(header(letter, "__llm.errors.stage")).isEqualTo("sink");
            assertThat(header(letter, "__llm.errors.message")).contains("but the limit is 65536");
        }
    }

    @Test
    void holdsNoMoreRequestsThanAllowed() throws Exception {
        engine.start(() -> {});
        try (OperatorHarness harness = new OperatorHarness(engine, settings(3, 1 << 20)).open()) {
            for (int i = 0; i < 30; i++) {
                harness.send(prompt("q-" + i, i, ""));
            }
            harness.flink.endInput();
            assertThat(harness.completions()).hasSize(30);
            assertThat(engine.maxRunning.get()).isLessThanOrEqualTo(3);
        } finally {
            engine.stop();
        }
    }

    @Test
    void holdsNoMoreBytesThanAllowedButLetsOneIn() throws Exception {
        engine.start(() -> {});
        try (OperatorHarness harness = new OperatorHarness(engine, settings(100, 10)).open()) {
            for (int i = 0; i < 5; i++) {
                harness.send(prompt("q-" + i, i, ""));
            }
            assertThat(harness.completions()).hasSize(5);
            assertThat(engine.maxRunning.get()).isEqualTo(1);
        } finally {
            engine.stop();
        }
    }

    @Test
    void endOfInputWaitsForWhatIsInFlight() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(100, 1 << 20)).open()) {
            Set<String> ids = new HashSet<>();
            for (int i = 0; i < 20; i++) {
                harness.send(prompt("q-" + i, i, ""));
                ids.add("q-" + i);
            }
            assertThat(harness.completions()).isEmpty();
            engine.start(() -> {});
            harness.flink.endInput();
            assertThat(harness.completions())
                    .extracting(r -> json(r).get("id").asText())
                    .containsExactlyInAnyOrderElementsOf(ids);
        } finally {
            engine.stop();
        }
    }

    @Test
    void brokenEngineFailsTheTask() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open()) {
            harness.send(prompt("q-1", 1, ""));
            engine.fail(new DeviceException("device lost"));
            assertThatThrownBy(harness::runMails).hasStackTraceContaining("device lost");
        }
    }

    @Test
    void brokenEngineFailsATaskThatWaitsInProcessElement() throws Exception {
        engine.start(() -> {
            if (engine.drawn.get() > 1) {
                engine.fail(new DeviceException("device lost"));
            }
        });
        try (OperatorHarness harness = new OperatorHarness(engine, settings(1, 1 << 20)).open()) {
            assertThatThrownBy(() -> harness.send(prompt("q-1", 1, ""))).hasStackTraceContaining("device lost");
        } finally {
            engine.stop();
        }
    }

    @Test
    void closingAbandonsWhatIsInFlightAndReturnsTheLease() throws Exception {
        OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open();
        harness.send(prompt("q-1", 1, ""));
        harness.send(prompt("q-2", 2, ""));
        assertThat(engine.openLeases).hasValue(1);
        harness.close();
        assertThat(engine.openLeases).hasValue(0);
        assertThat(engine.abandoned).hasValue(2);
        assertThat(engine.step()).as("nothing is left to do").isFalse();
    }

    @Test
    void lateEventsOfAClosedOperatorAreDropped() throws Exception {
        OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open();
        harness.send(prompt("q-1", 1, ""));
        harness.close();
        engine.fail(new DeviceException("too late"));
        harness.runMails();
        assertThat(harness.completions()).isEmpty();
    }

    @Test
    void watermarkWaitsForEarlierRequestsOnly() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open()) {
            harness.flink.processWatermark(5);
            harness.send(prompt("q-1", 1, ",\"max_tokens\":2"));
            harness.flink.processWatermark(10);
            harness.send(prompt("q-2", 2, ",\"max_tokens\":4"));
            harness.flink.processWatermark(20);
            assertThat(watermarks(harness)).containsExactly(5L);
            harness.steps(engine, 2);
            assertThat(watermarks(harness)).containsExactly(5L, 10L);
            harness.steps(engine, 2);
            assertThat(watermarks(harness)).containsExactly(5L, 10L, 20L);
        }
    }

    @Test
    void idlenessWaitsUntilNothingIsInFlight() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open()) {
            harness.send(prompt("q-1", 1, ",\"max_tokens\":2"));
            harness.flink.processWatermark(10);
            harness.flink.processWatermarkStatus(WatermarkStatus.IDLE);
            assertThat(harness.flink.getOutput()).isEmpty();
            harness.steps(engine, 2);
            List<Object> output = new ArrayList<>(harness.flink.getOutput());
            assertThat(output.subList(1, 3)).containsExactly(new Watermark(10), WatermarkStatus.IDLE);
        }
    }

    @Test
    void deadlineCountsFromPublishing() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, settings(10, 1 << 20)).open()) {
            WireRecord prompt = prompt("q-1", 0, ",\"deadline_ms\":500,\"return_token_ids\":true");
            harness.flink.setProcessingTime(prompt.timestamp + 200);
            long before = System.nanoTime();
            harness.send(prompt);
            assertThat(engine.received.get(0).terms().deadlineNanos())
                    .isBetween(before + 300_000_000, System.nanoTime() + 300_000_000);
            harness.steps(engine, 2);
            Thread.sleep(301);
            harness.steps(engine, 1);
            JsonNode choice = json(harness.completions().get(0)).get("choices").get(0);
            assertThat(choice.get("finish_reason").asText()).isEqualTo("deadline");
            assertThat(choice.get("token_ids")).hasSize(2);
        }
    }

    private static List<Long> watermarks(OperatorHarness harness) {
        return harness.flink.getOutput().stream()
                .filter(Watermark.class::isInstance)
                .map(w -> ((Watermark) w).getTimestamp())
                .toList();
    }
}
