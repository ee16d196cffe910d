package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** All of the shipped model's goldens, decoded together: rows leave the batch as they end. */
class DeepSeekModelIT {
    private static final float BOUND = 2e-3f;

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
                assertThat(completions.get(s).stream().mapToInt(Integer::intValue).toArray())
                        .as(goldens.get(s).id())
                        .isEqualTo(goldens.get(s).completionIds());
            }
        }
    }

    /** Appends the best id after comparing the row with the golden's five best. */
    private static void take(Golden golden, List<Integer> completion, float[] logits) {
        int step = completion.size();
        if (step < golden.top5().size()) {
            for (Golden.TopLogit top : golden.top5().get(step)) {
                assertThat(Math.abs(logits[top.id()] - top.logit()))
                        .as("%s step %d id %d: %s, golden %s", golden.id(), step, top.id(), logits[top.id()], top.logit())
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
}
