package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** How requests are served beside each other, on the shipped model: deadlines, cancels, owners of cached prefixes, refusals. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(60)
class ServingIT {
    private static final SamplingOptions FOREVER = new SamplingOptions(
            100, null, 0.0, null, null, null, null, null, null, 5L, null, null, null, true, null, null);

    private final EngineMetrics metrics = new EngineMetrics();
    private Engine engine;

    @BeforeAll
    void open() {
        EngineConfig twoRows = EngineRun.config(2, 2, 64, 256, 16 << 20).withAdmission(new AdmissionLimits(3, 400));
        engine = Engine.open(twoRows, metrics);
    }

    @AfterEach
    void allPagesAreBack() {
        assertThat(engine.step()).isFalse();
        engine.checkPages();
        assertThat(metrics.usedPages.get()).isZero();
        assertThat(metrics.numRequestsWaiting.get()).isZero();
    }

    @AfterAll
    void close() {
        engine.close();
    }

    private static int[] randomPrompt(long seed, int numTokens) {
        return new SplittableRandom(seed).ints(numTokens, 0, 400).toArray();
    }

    private static EngineRequest request(String id, int[] prompt, ServiceTerms terms) {
        return EngineRun.request(id, new PromptInput.Tokens(prompt), FOREVER).withTerms(terms);
    }

    private EngineRun.Outcome submit(EngineRequest request) {
        EngineRun.Outcome o = new EngineRun.Outcome();
        engine.submit(request, o);
        return o;
    }

    private static ServiceTerms until(long nanos) {
        return ServiceTerms.ofPriority(0).until(nanos);
    }

    private void drain() {
        while (engine.step()) {
            engine.checkPages();
        }
    }

    @Test
    void whoIsLateOnArrivalIsNotBegun() {
        long steps = metrics.steps.sum();
        EngineRun.Outcome o = submit(request("r", randomPrompt(1, 20), until(System.nanoTime() - 1)));
        assertThat(engine.step()).isFalse();
        EngineEvent.Finished f = o.finished.get(0);
        assertThat(f.reason()).isEqualTo(FinishReason.DEADLINE);
        assertThat(f.tokenIds()).isEmpty();
        assertThat(f.stats().promptTokenIds()).hasSize(20);
        assertThat(metrics.steps.sum()).isEqualTo(steps);
    }

    @Test
    void whoBecomesLateWhileWaitingIsNotBegun() throws InterruptedException {
        submit(request("a", randomPrompt(2, 10), ServiceTerms.ofPriority(0)));
        submit(request("b", randomPrompt(3, 10), ServiceTerms.ofPriority(0)));
        long prompts = metrics.promptTokens.sum();
        EngineRun.Outcome late = submit(request("late", randomPrompt(4, 10), until(System.nanoTime() + 20_000_000)));
        engine.step();
        assertThat(late.finished).isEmpty();
        Thread.sleep(21);
        engine.step();
        assertThat(late.finished.get(0).reason()).isEqualTo(FinishReason.DEADLINE);
        assertThat(late.finished.get(0).tokenIds()).isEmpty();
        drain();
        assertThat(metrics.promptTokens.sum() - prompts).isEqualTo(20);
    }

    @Test
    void whoBecomesLateWhileDecodingEndsBeforeTheNextStep() throws InterruptedException {
        EngineRun.Outcome o = submit(request("r", randomPrompt(5, 10), until(System.nanoTime() + 500_000_000)));
        for (int i = 0; i < 4; i++) {
            engine.step();
        }
        Thread.sleep(501);
        long steps = metrics.steps.sum();
        assertThat(engine.step()).isFalse();
        assertThat(metrics.steps.sum()).isEqualTo(steps);
        EngineEvent.Finished f = o.finished.get(0);
        assertThat(f.reason()).isEqualTo(FinishReason.DEADLINE);
        assertThat(f.tokenIds()).hasSize(4);
        assertThat(f.text()).isEqualTo(o.deltaText.get(0).toString());
    }

    @Test
    void whoEndsBeforeItsDeadlineEndsOnce() {
        EngineRun.Outcome o = submit(request("r", randomPrompt(6, 10), until(System.nanoTime() + 3_600_000_000_000L)));
        drain();
        assertThat(o.finished.get(0).reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void whoIsCancelledWhileWaitingIsNotBegun() {
        submit(request("a", randomPrompt(7, 10), ServiceTerms.ofPriority(0)));
        submit(request("b", randomPrompt(8, 10), ServiceTerms.ofPriority(0)));
        EngineRun.Outcome o = new EngineRun.Outcome();
        Submission waiting = engine.submit(request("c", randomPrompt(9, 10), ServiceTerms.ofPriority(0)), o);
        long prompts = metrics.promptTokens.sum();
        engine.step();
        waiting.cancel();
        drain();
        assertThat(o.finished.get(0).reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(o.finished.get(0).tokenIds()).isEmpty();
        assertThat(metrics.promptTokens.sum() - prompts).isEqualTo(20);
    }

    @Test
    void cachedPrefixesBelongToTheirSalt() {
        int[] prompt = randomPrompt(10, 150);
        List<Integer> cached = new ArrayList<>();
        for (String salt : Arrays.asList("a", "b", "a", null, null, "b")) {
            EngineRun.Outcome o = submit(request("r", prompt, new ServiceTerms(0, "", salt, null)));
            drain();
            cached.add(o.finished.get(0).stats().cachedTokens());
        }
        assertThat(cached).containsExactly(0, 0, 128, 0, 128, 128);
    }

    @Test
    void refusesWhatWouldWaitBeyondTheBounds() {
        List<EngineRun.Outcome> all = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            all.add(submit(request("r" + i, randomPrompt(20 + i, 10), ServiceTerms.ofPriority(0))));
        }
        engine.step(); // two have rows, three wait
        assertThat(all.get(4).rejected).isNull();
        assertThat(all.get(5).rejected)
                .hasMessage("the engine is full: 4 would wait but max-waiting-requests is 3: send it again later, raise"
                        + " the limit or add task managers");
        assertThat(all.get(5).rejected.isRetriable()).isTrue();
        EngineRequest again = request("resumed", randomPrompt(30, 10), ServiceTerms.ofPriority(0));
        EngineRun.Outcome resumed = submit(
                new EngineRequest(again.id(), again.prompt(), again.params(), again.terms(), new int[][] {{7}}, null));
        drain();
        assertThat(resumed.finished.get(0).tokenIds()).hasSize(100).startsWith(7);
        assertThat(all.get(4).finished.get(0).tokenIds()).hasSize(100);
    }

    @Test
    void refusesTokensBeyondTheBoundUnlessNobodyWaits() {
        List<EngineRun.Outcome> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(submit(request("r" + i, randomPrompt(40 + i, 150), ServiceTerms.ofPriority(0))));
        }
        drain();
        assertThat(all.get(1).finished).isNotEmpty();
        assertThat(all.get(2).rejected)
                .hasMessage("the engine is full: 450 tokens would wait but max-waiting-tokens is 400: send it again"
                        + " later, raise the limit or add task managers");
        assertThatThrownBy(() -> new AdmissionLimits(-1, 0))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("max-waiting-requests is -1");
    }

    @Test
    void deltasSayWhereTheirTextBeginsAlsoAfterAResume() {
        PromptInput sum = new PromptInput.Chat(List.of(new ChatMessage(ChatMessage.Role.USER, "What is 14 + 71?")));
        EngineRequest request = EngineRun.request("r", sum, EngineRun.sampling(null, 0.0, null, 1L));
        List<EngineEvent> whole = events(request);
        EngineEvent.Finished end = (EngineEvent.Finished) whole.get(whole.size() - 1);
        assertThat(pieced(whole, "", "")).isEqualTo(end.reasoning() + "|" + end.content());
        for (int keep : new int[] {1, 10, end.tokenIds().length - 2}) {
            int[] kept = Arrays.copyOf(end.tokenIds(), keep);
            List<EngineEvent> rest = events(new EngineRequest(
                    request.id(), request.prompt(), request.params(), request.terms(), new int[][] {kept}, null));
            EngineEvent.Delta first = (EngineEvent.Delta) rest.get(0);
            String reasoning = end.reasoning().substring(0, first.reasoningOffset());
            String content = end.content().substring(0, first.contentOffset());
            assertThat(pieced(rest, reasoning, content)).isEqualTo(end.reasoning() + "|" + end.content());
            assertThat(first.reasoningOffset()).isPositive();
        }
    }

    private List<EngineEvent> events(EngineRequest request) {
        List<EngineEvent> events = new ArrayList<>();
        engine.submit(request, new EngineListener() {
            @Override
            public void onEvent(EngineEvent event) {
                events.add(event);
            }

            @Override
            public void onEngineFailure(RuntimeException cause) {
                throw cause;
            }
        });
        drain();
        return events;
    }

    private static String pieced(List<EngineEvent> events, String reasoningSoFar, String contentSoFar) {
        StringBuilder reasoning = new StringBuilder(reasoningSoFar);
        StringBuilder content = new StringBuilder(contentSoFar);
        for (EngineEvent e : events) {
            if (e instanceof EngineEvent.Delta d) {
                assertThat(d.reasoningOffset()).isEqualTo(reasoning.length());
                assertThat(d.contentOffset()).isEqualTo(content.length());
                reasoning.append(d.reasoningDelta());
                content.append(d.contentDelta());
            }
        }
        return reasoning + "|" + content;
    }

    @Test
    void badWordsAreNotCompleted() {
        PromptInput sum = new PromptInput.Chat(List.of(new ChatMessage(ChatMessage.Role.USER, "What is 14 + 71?")));
        EngineRequest plain = EngineRun.request("r", sum, EngineRun.sampling(60, 0.0, null, 1L));
        int[] free =
                EngineRun.run(engine, List.of(plain)).get("r").finished.get(0).tokenIds();
        List<Integer> bad = List.of(free[3], free[4], free[5]);
        SamplingParams params = plain.params().withBadWords(List.of(bad));
        int[] kept = EngineRun.run(
                        engine,
                        List.of(new EngineRequest(plain.id(), plain.prompt(), params, plain.terms(), null, null)))
                .get("r")
                .finished
                .get(0)
                .tokenIds();
        assertThat(Arrays.copyOf(kept, 5)).isEqualTo(Arrays.copyOf(free, 5));
        assertThat(kept[5]).isNotEqualTo(free[5]);
        assertThat(Collections.indexOfSubList(Arrays.stream(kept).boxed().toList(), bad))
                .isEqualTo(-1);
    }

    @Test
    void theSameTokensWhateverTheTerms() {
        List<EngineRequest> plain = new ArrayList<>();
        List<EngineRequest> mixed = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            EngineRequest r = EngineRun.request(
                    "r" + i,
                    new PromptInput.Tokens(randomPrompt(50 + i % 2, 30)),
                    EngineRun.sampling(20, 4.0, 0.95, (long) i));
            plain.add(r);
            mixed.add(r.withTerms(new ServiceTerms(
                    -i, "tenant " + i % 3, i % 2 == 0 ? "salt" : null, System.nanoTime() + 3_600_000_000_000L)));
        }
        Map<String, EngineRun.Outcome> want = EngineRun.run(engine, plain);
        EngineRun.run(engine, mixed)
                .forEach((id, o) -> assertThat(o.deltaTokens).isEqualTo(want.get(id).deltaTokens));
    }
}
