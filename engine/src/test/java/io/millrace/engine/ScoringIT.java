package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.PromptInput.Said;
import io.millrace.engine.kv.KvBudget;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Log-probabilities of given tokens. The oracle is the draw: what a greedy sample said about its own tokens while it decoded them
 * one by one must be said of the same tokens when they are given.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ScoringIT {
    private static final int TOP = 3;
    private static final ChatMessage QUESTION = new ChatMessage(ChatMessage.Role.USER, "What is 14 + 71?");

    private int[] prompt;
    private int[] drawn;
    private List<TokenLogprobs> whileDrawn;

    @BeforeAll
    void draw() {
        try (Engine engine = Engine.open(EngineRun.config(2, 8, 64, 256, 0), new EngineMetrics())) {
            EngineRun.Outcome o = EngineRun.run(
                            engine,
                            List.of(EngineRun.request("r", new PromptInput.Chat(List.of(QUESTION)), greedy(60, TOP))))
                    .get("r");
            prompt = o.finished.get(0).stats().promptTokenIds();
            drawn = o.finished.get(0).tokenIds();
            whileDrawn = o.logprobs.get(0);
        }
        assertThat(drawn).hasSizeGreaterThan(40);
    }

    @ParameterizedTest
    @CsvSource({
        "8, 64, true, 0",
        "1, 64, true, 0",
        "2, 7, false, 0",
        "8, 16, true, 2",
        "16, 256, true, 1",
        "1, 5, true, 1"
    })
    void givenTokensHaveTheLogprobsThatTheirDrawsHad(int maxNumSeqs, int chunk, boolean isCacheOn, int drafts) {
        EngineConfig config = EngineRun.config(2, maxNumSeqs, chunk, 256, 0, isCacheOn, drafts);
        EngineMetrics metrics = new EngineMetrics();
        try (Engine engine = Engine.open(config, metrics)) {
            int[] both = concat(prompt, drawn);
            List<EngineRequest> requests = new ArrayList<>();
            for (int i = 0; i < 3; i++) { // beside each other, and beside what draws
                requests.add(scoringPrompt("s" + i, both, greedy(2, null)));
                requests.add(EngineRun.request("d" + i, new PromptInput.Chat(List.of(QUESTION)), greedy(30, TOP)));
            }
            Map<String, EngineRun.Outcome> outcomes = EngineRun.run(engine, requests);
            for (int i = 0; i < 3; i++) {
                List<TokenLogprobs> scores = outcomes.get("s" + i).scores;
                assertThat(scores).hasSize(both.length - 1);
                assertSame(scores.subList(prompt.length - 1, both.length - 1), whileDrawn);
                assertThat(outcomes.get("s" + i).finished.get(0).tokenIds()).isNotEmpty();
                assertSame(outcomes.get("d" + i).logprobs.get(0), whileDrawn.subList(0, 30));
            }
            assertThat(outcomes.get("s0").scores.get(0).ids()[0]).isEqualTo(prompt[1]);
            assertThat(metrics.numRequestsRunning.get()).isZero();
        }
    }

    @Test
    void preemptionChangesNothing() {
        long pageBytes = KvBudget.PAGE_TOKENS * 4L * (64 + 32) * Float.BYTES;
        EngineMetrics metrics = new EngineMetrics();
        try (Engine engine = Engine.open(EngineRun.config(2, 16, 16, 256, 6 * pageBytes), metrics)) {
            int[] both = concat(prompt, drawn);
            List<EngineRequest> requests = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                requests.add(EngineRun.request("d" + i, new PromptInput.Chat(List.of(QUESTION)), greedy(200, null)));
                requests.add(scoringPrompt("s" + i, both, greedy(90, null)));
            }
            Map<String, EngineRun.Outcome> outcomes = EngineRun.run(engine, requests);
            for (int i = 0; i < 4; i++) {
                List<TokenLogprobs> scores = outcomes.get("s" + i).scores;
                assertSame(scores.subList(prompt.length - 1, both.length - 1), whileDrawn);
            }
        }
    }

    @Test
    void scoresComeAgainAfterAResumeFromTheFirstSampleThatGoesOn() {
        try (Engine engine = Engine.open(EngineRun.config(2, 8, 64, 256, 0), new EngineMetrics())) {
            SamplingOptions two = new SamplingOptions(
                    3, null, 0.0, null, null, null, null, null, null, 5L, 2, null, null, null, null, null);
            EngineRequest scoring = scoringPrompt("r", prompt, two);
            EngineRun.Outcome whole = EngineRun.run(engine, List.of(scoring)).get("r");
            int[] tokens = whole.finished.get(0).tokenIds();
            assertThat(tokens).hasSize(3);
            EngineRequest resumed = new EngineRequest(
                    "r",
                    scoring.prompt(),
                    scoring.params(),
                    scoring.terms(),
                    new int[][] {tokens, {tokens[0]}},
                    null,
                    scoring.scoring());
            EngineRun.Outcome after = EngineRun.run(engine, List.of(resumed)).get("r");
            assertSame(after.scores, whole.scores);
            assertThat(after.finished.get(1).tokenIds()).isEqualTo(tokens);
            assertThat(EngineRun.run(engine, List.of(scoringPrompt("1", new int[] {0}, greedy(1, null))))
                            .get("1")
                            .scores)
                    .isEmpty();
        }
    }

    @Test
    void scoresAContinuationFromBehindTheCachedPromptAndDrawsNothing() {
        EngineMetrics metrics = new EngineMetrics();
        String please = "Please. ".repeat(30);
        PromptInput.Chat chat =
                new PromptInput.Chat(List.of(new ChatMessage(ChatMessage.Role.USER, please + QUESTION.content())));
        try (Engine engine = Engine.open(EngineRun.config(2, 8, 64, 512, 0), metrics)) {
            int[] ids = engine.model().tokenizer().encode("The sum of 14 and 71", false);
            int[] ofChat = finished(engine, chat, greedy(1, null)).stats().promptTokenIds();
            List<TokenLogprobs> expected = EngineRun.run(
                            engine, List.of(scoringPrompt("p", concat(ofChat, ids), greedy(1, null))))
                    .get("p")
                    .scores
                    .subList(ofChat.length - 1, ofChat.length - 1 + ids.length);
            EngineRequest scoring = new EngineRequest(
                    "c",
                    chat,
                    SamplingParams.resolve(greedy(1, null), 0),
                    ServiceTerms.ofPriority(0),
                    null,
                    null,
                    new Scoring("The sum of 14 and 71", TOP));
            long hits = metrics.prefixCacheHits.sum();
            long generated = metrics.generationTokens.sum();
            EngineRun.Outcome o = EngineRun.run(engine, List.of(scoring)).get("c");
            assertSame(o.scores, expected);
            assertThat(o.finished.get(0).reason()).isEqualTo(FinishReason.STOP);
            assertThat(o.finished.get(0).tokenIds()).isEmpty();
            assertThat(metrics.generationTokens.sum()).isEqualTo(generated);
            assertThat(metrics.prefixCacheHits.sum() - hits).isGreaterThanOrEqualTo(64);
            // Twice: the cache knows the continuation by now, but its logits are wanted.
            assertSame(EngineRun.run(engine, List.of(scoring)).get("c").scores, o.scores);
        }
    }

    @Test
    void aTurnGoesOnWithTheVeryTokensThatWereDrawnAndWrittenTextClosesTheReasoning() {
        try (Engine engine = Engine.open(EngineRun.config(2, 8, 64, 256, 0), new EngineMetrics())) {
            PromptInput.Chat chat = new PromptInput.Chat(List.of(QUESTION));
            EngineEvent.Finished first = finished(engine, chat, greedy(20, null));
            PromptInput.Turn more = new PromptInput.Turn(
                    List.of(QUESTION), List.of(new Said.Generated(first.tokenIds(), first.text())));
            EngineEvent.Finished second = finished(engine, more, greedy(200, null));
            assertThat(concat(first.tokenIds(), second.tokenIds())).startsWith(drawn);

            PromptInput.Turn stopped = new PromptInput.Turn(
                    List.of(QUESTION), List.of(new Said.Generated(drawn, "14+7"))); // as a stop string would cut it
            assertThat(text(engine, finished(engine, stopped, greedy(1, null)))).endsWith("<think>\n14+7");
            PromptInput.Turn closed = new PromptInput.Turn(
                    List.of(QUESTION), List.of(new Said.Written("The answer"), new Said.Written(" is")));
            EngineEvent.Finished answer = finished(engine, closed, greedy(8, null));
            assertThat(text(engine, answer)).endsWith("<think>\n\n</think>\n\nThe answer is");
            assertThat(answer.reasoning()).isNull();
        }
    }

    @Test
    void nothingToScoreIsRefused() {
        try (Engine engine = Engine.open(EngineRun.config(1, 2, 64, 256, 0), new EngineMetrics())) {
            EngineRequest empty = new EngineRequest(
                    "e",
                    new PromptInput.Chat(List.of(QUESTION)),
                    SamplingParams.resolve(greedy(1, null), 0),
                    ServiceTerms.ofPriority(0),
                    null,
                    null,
                    new Scoring("", 0));
            assertThat(EngineRun.run(engine, List.of(empty)).get("e").rejected)
                    .hasMessageContaining("must have at least 1 token");
        }
    }

    private static String text(Engine engine, EngineEvent.Finished f) {
        return engine.model().tokenizer().decode(f.stats().promptTokenIds());
    }

    private static EngineEvent.Finished finished(Engine engine, PromptInput prompt, SamplingOptions options) {
        return EngineRun.run(engine, List.of(EngineRun.request("t", prompt, options)))
                .get("t")
                .finished
                .get(0);
    }

    private static EngineRequest scoringPrompt(String id, int[] ids, SamplingOptions options) {
        return new EngineRequest(
                id,
                new PromptInput.Tokens(ids),
                SamplingParams.resolve(options, 0),
                ServiceTerms.ofPriority(0),
                null,
                null,
                new Scoring(null, TOP));
    }

    private static SamplingOptions greedy(int maxTokens, Integer topLogprobs) {
        return new SamplingOptions(
                maxTokens,
                null,
                0.0,
                null,
                null,
                null,
                null,
                null,
                null,
                5L,
                null,
                null,
                null,
                null,
                null,
                topLogprobs);
    }

    private static int[] concat(int[] a, int[] b) {
        int[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    private static void assertSame(List<TokenLogprobs> actual, List<TokenLogprobs> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i).ids())
                    .as("ids at %s", i)
                    .isEqualTo(expected.get(i).ids());
            assertThat(actual.get(i).logprobs())
                    .as("log-probabilities at %s", i)
                    .isEqualTo(expected.get(i).logprobs());
        }
    }
}
