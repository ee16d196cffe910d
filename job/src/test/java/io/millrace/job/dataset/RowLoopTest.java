package io.millrace.job.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.millrace.engine.PromptInput;
import io.millrace.engine.RejectedException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RowLoopTest {
    private static final Row ROW = new Row(3, "f", 4, JsonNodeFactory.instance.objectNode(), null);
    private static final Question QUESTION = new Question(
            3, "f:4", "q", new PromptInput.Text("x", false), "x", "1", JsonNodeFactory.instance.objectNode());

    private static Sample sample(int attempt) {
        return new Sample(attempt, 100 + attempt, "stop", null, "c" + attempt, 5, 10);
    }

    private static RowLoop loop(int samples, int accept, int maxAttempts, boolean isVote) {
        return new RowLoop(ROW, QUESTION, new RowPolicy(samples, accept, maxAttempts, isVote));
    }

    /** Runs a row whose attempt i is correct if {@code isCorrect[i]}, ending those under way in a random order. */
    private static RowResult run(RowLoop loop, boolean[] isCorrect, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Integer> inFlight = new ArrayList<>();
        while (!loop.isDone()) {
            while (loop.wantsAttempt()) {
                inFlight.add(loop.launch());
            }
            int attempt = inFlight.remove(random.nextInt(inFlight.size()));
            loop.end(sample(attempt), isCorrect[attempt] ? Verdict.correct("1") : Verdict.wrong("no"));
        }
        assertThat(inFlight).isEmpty();
        return loop.result();
    }

    @Test
    void drawsTheShortestRunWithEnoughCorrectOnesWhateverTheOrder() {
        boolean[] isCorrect = {false, true, false, false, true, true, false, true};
        for (int seed = 0; seed < 50; seed++) {
            RowResult row = run(loop(1, 3, 8, false), isCorrect, seed);

            assertThat(row.samples()).hasSize(6); // the third correct one is attempt 5
            assertThat(row.samples().stream()
                            .filter(JudgedSample::isAccepted)
                            .map(s -> s.sample().attempt()))
                    .containsExactly(1, 4, 5);
        }
    }

    @Test
    void givesUpAtTheLastAttempt() {
        RowResult row = run(loop(1, 2, 4, false), new boolean[] {false, true, false, false}, 1);

        assertThat(row.samples())
                .hasSize(4)
                .filteredOn(JudgedSample::isAccepted)
                .hasSize(1);
        assertThat(row.isCut()).isFalse();
        assertThat(row.completionTokens()).isEqualTo(40);
    }

    @Test
    void withoutAcceptAllSamplesAreDrawn() {
        RowResult row = run(loop(3, 0, 0, false), new boolean[] {true, true, false}, 1);

        assertThat(row.samples()).extracting(JudgedSample::isAccepted).containsExactly(true, true, false);
        assertThat(row.samples().get(2).why()).isEqualTo("no");
    }

    @Test
    void theMajorityWinsAndOfSeveralTheFirst() {
        RowLoop loop = loop(5, 0, 0, true);
        String[] answers = {"7", "8", null, "8", "7"};
        for (int i = 0; i < 5; i++) {
            loop.launch();
        }
        for (int i = 4; i >= 0; i--) {
            String answer = answers[i];
            loop.end(
                    sample(i),
                    answer == null ? Verdict.wrong("no answer") : new Verdict(answer.equals("8"), answer, null));
        }

        List<JudgedSample> samples = loop.result().samples();
        assertThat(samples).extracting(JudgedSample::isAccepted).containsExactly(true, false, false, false, true);
        assertThat(samples).extracting(JudgedSample::isCorrect).containsExactly(false, true, false, true, false);
        assertThat(samples.get(1).why()).isEqualTo("the majority says 7");
        assertThat(samples.get(2).why()).isEqualTo("no answer");
    }

    @Test
    void aRefusedAttemptMakesTheRowBad() {
        RowLoop loop = loop(2, 0, 0, false);
        loop.launch();
        loop.launch();
        loop.end(new RejectedException(RejectedException.Stage.TOKENIZE, false, "too long"));
        assertThat(loop.isDone()).isFalse();
        loop.end(sample(1), Verdict.CORRECT);

        assertThat(loop.isDone()).isTrue();
        assertThat(loop.result().samples()).isEmpty();
        assertThat(loop.result().error()).isEqualTo(new RowError("tokenize", "too long", false));
    }

    @Test
    void aCutRowKeepsWhatItHas() {
        RowLoop loop = loop(1, 2, 9, false);
        loop.launch();
        loop.launch();
        loop.end(sample(0), Verdict.wrong("no"));
        loop.cut();
        assertThat(loop.wantsAttempt()).isFalse();
        loop.end(sample(1), Verdict.correct("1"));

        assertThat(loop.isDone()).isTrue();
        assertThat(loop.result().isCut()).isTrue();
        assertThat(loop.result().samples()).hasSize(2);
    }

    @Test
    void seedsDifferByAttemptRowAndRun() {
        List<Long> seeds = new ArrayList<>();
        for (long run = 0; run < 3; run++) {
            for (long row = 0; row < 100; row++) {
                for (int attempt = 0; attempt < 20; attempt++) {
                    seeds.add(AttemptSeeds.seed(run, "f:" + row, attempt));
                }
            }
        }
        assertThat(seeds).doesNotHaveDuplicates();
        assertThat(AttemptSeeds.seed(7, "f:8", 9)).isEqualTo(AttemptSeeds.seed(7, "f:8", 9));
    }
}
