package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole of the shipped model's goldens, and the promise that batch, chunks and pages never change a bit. */
class DeepSeekModelIT {
    private static final float BOUND = 2e-3f;

    private @TempDir Path parent;

    @Test
    void decodesEveryGoldenInOneBatch() {
        List<Golden> goldens = Golden.all();
        assertThat(goldens).hasSize(52);
        int[][] pages = BareRunner.identityPages(goldens.size(), 2048 / 64);
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 512, 64, pages)) {
            List<List<Integer>> completions = new ArrayList<>();
            for (int s = 0; s < goldens.size(); s++) {
                float[][] logits = runner.prefill(s, goldens.get(s).promptIds(), 512);
                completions.add(new ArrayList<>());
                take(goldens.get(s), completions.get(s), logits[logits.length - 1]);
            }
            List<BareRunner.Chunk> chunks = next(goldens, completions);
            while (!chunks.isEmpty()) {
                float[][] logits = runner.step(chunks);
                for (int i = 0; i < chunks.size(); i++) {
                    int s = chunks.get(i).sequence();
                    take(goldens.get(s), completions.get(s), logits[i]);
                }
                chunks = next(goldens, completions);
            }
            for (int s = 0; s < goldens.size(); s++) {
                assertThat(completions.get(s).stream()
                                .mapToInt(Integer::intValue)
                                .toArray())
                        .as(goldens.get(s).id())
                        .isEqualTo(goldens.get(s).completionIds());
            }
        }
    }

    @Test
    void draftsWhatTheReferenceDrafts() {
        List<Golden> goldens = Golden.all();
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 200, 64, BareRunner.identityPages(1, 2048 / 64))) {
            int numDrafts = 0;
            for (Golden g : goldens) {
                int promptTokens = g.promptIds().length;
                int[] all = Arrays.copyOf(g.promptIds(), promptTokens + g.completionIds().length);
                System.arraycopy(g.completionIds(), 0, all, promptTokens, g.completionIds().length);
                List<Integer> drafts = new ArrayList<>();
                int end = promptTokens + g.draftIds().length - 1;
                for (int start = 0; start < end; start += 200) { // the layer's cache joins the chunks
                    int to = Math.min(end, start + 200);
                    float[][] logits = runner.draft(
                            new BareRunner.Chunk(0, start, Arrays.copyOfRange(all, start, to)),
                            Arrays.copyOfRange(all, start + 1, to + 1));
                    for (int row = Math.max(0, promptTokens - 1 - start); row < to - start; row++) {
                        drafts.add(BareRunner.argmax(logits[row]));
                    }
                }
                assertThat(drafts.stream().mapToInt(Integer::intValue).toArray())
                        .as(g.id())
                        .isEqualTo(g.draftIds());
                numDrafts += drafts.size();
            }
            assertThat(numDrafts).isGreaterThan(2000);
        }
    }

    /** Appends the best id after comparing the row with the golden's five best. */
    private static void take(Golden golden, List<Integer> completion, float[] logits) {
        int step = completion.size();
        if (step < golden.top5().size()) {
            for (Golden.TopLogit top : golden.top5().get(step)) {
                assertThat(Math.abs(logits[top.id()] - top.logit()))
                        .as(
                                "%s step %d id %d: %s, golden %s",
                                golden.id(), step, top.id(), logits[top.id()], top.logit())
                        .isLessThan(BOUND);
            }
        }
        completion.add(BareRunner.argmax(logits));
    }

    private static List<BareRunner.Chunk> next(List<Golden> goldens, List<List<Integer>> completions) {
        List<BareRunner.Chunk> chunks = new ArrayList<>();
        for (int s = 0; s < goldens.size(); s++) {
            List<Integer> completion = completions.get(s);
            if (completion.size() < goldens.get(s).completionIds().length) {
                int position = goldens.get(s).promptIds().length + completion.size() - 1;
                chunks.add(new BareRunner.Chunk(s, position, new int[] {completion.get(completion.size() - 1)}));
            }
        }
        return chunks;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void chunkedPrefillGivesTheBitsOfTheWhole(boolean isShipped) {
        int vocab = isShipped ? 512 : 264;
        int[] prompt = BareRunner.randomIds(530, vocab, 5); // longer than one attention segment
        Path folder = isShipped ? TestConfigs.TINY_R1 : BrokenFolders.healthy(parent, Long.MAX_VALUE);
        try (BareRunner runner = new BareRunner(folder, 530, 64, BareRunner.identityPages(4, 9))) {
            float[][] whole = runner.prefill(0, prompt, 530);
            BareRunner.assertSameBits(runner.prefill(1, prompt, 64), whole);
            BareRunner.assertSameBits(runner.prefill(2, prompt, 7), whole);
            BareRunner.assertSameBits(runner.prefill(3, prompt, 1), whole);
        }
    }

    @Test
    void neighboursOrderAndPagesDontMatter() {
        int[][] prompts = new int[5][];
        float[][][] alone = new float[5][][];
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 300, 64, BareRunner.identityPages(5, 4))) {
            for (int s = 0; s < 5; s++) {
                prompts[s] = BareRunner.randomIds(20 + 31 * s, 512, s);
                alone[s] = runner.prefill(s, prompts[s], 300);
            }
        }
        int[][] scattered = new int[5][16];
        for (int page = 0; page < 80; page++) {
            scattered[page % 5][page / 5] = (page * 37 + 11) % 80;
        }
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 300, 16, scattered)) {
            float[][][] together = new float[5][][];
            for (int s = 0; s < 5; s++) {
                together[s] = new float[prompts[s].length][];
            }
            for (int round = 0; round < 3; round++) { // a third of each prompt at a time, in changing order
                List<BareRunner.Chunk> chunks = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    int s = (i * 2 + round) % 5;
                    int from = prompts[s].length * round / 3;
                    int to = prompts[s].length * (round + 1) / 3;
                    chunks.add(new BareRunner.Chunk(s, from, Arrays.copyOfRange(prompts[s], from, to)));
                }
                float[][] logits = runner.step(chunks);
                int row = 0;
                for (BareRunner.Chunk c : chunks) {
                    for (int i = 0; i < c.ids().length; i++) {
                        together[c.sequence()][c.start() + i] = logits[row++];
                    }
                }
            }
            for (int s = 0; s < 5; s++) {
                BareRunner.assertSameBits(together[s], alone[s]);
            }
        }
    }
}
