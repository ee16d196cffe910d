package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.kernels.DeviceException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The operator in a job of two subtasks whose engine breaks: the answers must be those of a run in which it doesn't. */
@Timeout(120)
class FailoverIT {
    private static final int NUM_PROMPTS = 200;

    @RegisterExtension
    static final MiniClusterExtension CLUSTER = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(2)
            .build());

    @Test
    void anEngineThatBreaksChangesNothing() throws Exception {
        FakeHost calm = new FakeHost(2);
        List<WireRecord> undisturbed = run("calm", calm, 16);
        FakeHost failing = new FakeHost(5, 600, 1500);
        List<WireRecord> disturbed = run("failing", failing, 16);

        assertThat(failing.numEngines()).as("engines opened").isEqualTo(3);
        assertThat(undisturbed).hasSize(NUM_PROMPTS);
        assertThat(disturbed)
                .extracting(TestRecords::comparable)
                .containsExactlyInAnyOrderElementsOf(
                        undisturbed.stream().map(TestRecords::comparable).toList());
        int resumed = 0;
        for (WireRecord completion : disturbed) {
            JsonNode json = TestRecords.json(completion);
            String id = json.get("id").asText();
            assertThat(TestRecords.tokenIds(json, 0))
                    .containsExactly(FakeEngine.tokens(id, PromptValidator.seedOf(id), 0, Integer.MAX_VALUE));
            resumed += json.at("/provenance/resumed").asInt();
        }
        assertThat(resumed).as("tokens kept over the failures").isPositive();
        assertNoThreadOrLeaseIsLeft(calm);
        assertNoThreadOrLeaseIsLeft(failing);
    }

    @Test
    void aFailureWhileTheTailDrainsKeepsItsProgress() throws Exception {
        int breaksAfter = 3000; // all 200 prompts are in flight from the start, so this is after the end of input
        FakeHost host = new FakeHost(30, breaksAfter);
        List<WireRecord> completions = run("draining", host, NUM_PROMPTS);
        int total = 0;
        int resumed = 0;
        for (WireRecord completion : completions) {
            JsonNode json = TestRecords.json(completion);
            total += TestRecords.tokenIds(json, 0).length;
            resumed += json.at("/provenance/resumed").asInt();
        }
        assertThat(completions)
                .extracting(c -> TestRecords.json(c).get("id").asText())
                .doesNotHaveDuplicates()
                .hasSize(NUM_PROMPTS);
        assertThat(resumed).as("tokens kept over the failure").isPositive();
        assertThat(host.numDrawn() - total)
                .as("tokens made twice, of the %d before the failure", breaksAfter)
                .isBetween(0, breaksAfter - 1);
    }

    private static List<WireRecord> run(String name, FakeHost host, int maxInFlight) throws Exception {
        Configuration config = new Configuration();
        config.set(PipelineOptions.GENERIC_TYPES, false);
        config.set(PipelineOptions.OBJECT_REUSE, true);
        config.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(20));
        config.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        config.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 5);
        config.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(10));
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(config);
        env.setParallelism(2);
        DataStream<WireRecord> prompts = env.fromSource(
                        new NumberSequenceSource(0, NUM_PROMPTS - 1), WatermarkStrategy.noWatermarks(), "numbers")
                .map(new ToPrompt());
        FakeSource source = FakeSource.of(name, host::engine);
        SingleOutputStreamOperator<WireRecord> completions =
                ContinuousBatchOperatorFactory.attach(prompts, TestRecords.settings(maxInFlight, 1 << 20), source);
        List<WireRecord> collected = new ArrayList<>();
        try (CloseableIterator<WireRecord> all = completions.executeAndCollect(name)) {
            all.forEachRemaining(collected::add);
        } finally {
            host.stop();
        }
        return collected;
    }

    private static void assertNoThreadOrLeaseIsLeft(FakeHost host) {
        assertThat(host.numOpenLeases()).isZero();
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("millrace-"));
    }

    /** A prompt per number. */
    private static final class ToPrompt implements MapFunction<Long, WireRecord> {
        private static final long serialVersionUID = 1L;

        @Override
        public WireRecord map(Long number) {
            return TestRecords.prompt("q-" + number, number, ",\"return_token_ids\":true");
        }
    }

    /** One engine at a time, as in a task manager; it breaks after so many tokens, and the next holder opens a new one. */
    private static final class FakeHost {
        private final List<FakeEngine> engines = new ArrayList<>();
        private final AtomicInteger drawn = new AtomicInteger();
        private final long stepMillis;
        private final int[] breaksAfterTokens;

        FakeHost(long stepMillis, int... breaksAfterTokens) {
            this.stepMillis = stepMillis;
            this.breaksAfterTokens = breaksAfterTokens;
        }

        synchronized FakeEngine engine() {
            FakeEngine last = engines.isEmpty() ? null : engines.get(engines.size() - 1);
            if (last != null && !last.isBroken) {
                return last;
            }
            FakeEngine engine = new FakeEngine("hash-1");
            int breaksAfter = engines.size() < breaksAfterTokens.length
                    ? breaksAfterTokens[engines.size()] - drawn.get()
                    : Integer.MAX_VALUE;
            engines.add(engine);
            engine.start(() -> {
                pause();
                if (engine.drawn.get() >= breaksAfter) {
                    drawn.addAndGet(engine.drawn.get());
                    engine.fail(new DeviceException("injected"));
                }
            });
            return engine;
        }

        private void pause() {
            try {
                Thread.sleep(stepMillis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        synchronized int numEngines() {
            return engines.size();
        }

        synchronized int numDrawn() {
            return engines.stream().mapToInt(e -> e.drawn.get()).sum();
        }

        synchronized int numOpenLeases() {
            return engines.stream().mapToInt(e -> e.openLeases.get()).sum();
        }

        synchronized void stop() throws InterruptedException {
            for (FakeEngine engine : engines) {
                engine.stop();
            }
        }
    }
}
