package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.List;

/** How often a back end that rounds activations has the goldens' best token, fed with the goldens' tokens. */
final class GoldenScore {
    /** Where the reference's best logit leads by more, cuda's best is the same: docs/kernels/cuda.md. */
    private static final double BOUND = 7.0;

    private static final int SHORTEST = 8;

    private int goldens;
    private int steps;
    private int equal;
    private double largestMarginLost;
    private double largestError;
    private double squares;

    /** Returns the goldens, shortest first: 8 of them, or all with {@code -Dmillrace.full=true}. */
    static List<Golden> chosen() {
        return Golden.all().stream()
                .sorted(Comparator.comparingInt(g -> g.fed().length))
                .limit(Boolean.getBoolean("millrace.full") ? Long.MAX_VALUE : SHORTEST)
                .toList();
    }

    /**
     * Adds a golden's steps.
     *
     * @param reference [rows, V] of the cpu back end
     * @param logits [rows, V] of the other
     */
    void add(Golden g, float[][] reference, float[][] logits) {
        goldens++;
        for (int step = 0; step < g.completionIds().length; step++) {
            int row = g.promptIds().length - 1 + step;
            int id = g.completionIds()[step];
            double margin = margin(reference[row], id);
            assertThat(margin).as("cpu's lead of %s, step %d", g.id(), step).isGreaterThan(-2e-3);
            steps++;
            if (BareRunner.argmax(logits[row]) == id) {
                equal++;
            } else {
                largestMarginLost = Math.max(largestMarginLost, margin);
                assertThat(margin).as("lost lead of %s, step %d", g.id(), step).isLessThan(BOUND);
            }
            for (int v = 0; v < logits[row].length; v++) {
                double error = Math.abs(logits[row][v] - reference[row][v]);
                largestError = Math.max(largestError, error);
                squares += error * error / logits[row].length;
            }
        }
    }

    /** Prints the share of equal best tokens and checks it. */
    void check(String what) {
        System.out.printf(
                "%s, %d goldens: best token equal at %d of %d steps (%.2f %%), largest lead lost %.3f, logit error %.3f rms, %.3f largest%n",
                what,
                goldens,
                equal,
                steps,
                100.0 * equal / steps,
                largestMarginLost,
                Math.sqrt(squares / steps),
                largestError);
        assertThat(steps).isGreaterThan(200);
        assertThat((double) equal / steps).isGreaterThan(0.98);
    }

    /** Returns by how much a token's logit leads the best of the others. */
    private static double margin(float[] logits, int id) {
        double best = Double.NEGATIVE_INFINITY;
        for (int v = 0; v < logits.length; v++) {
            best = v == id ? best : Math.max(best, logits[v]);
        }
        return logits[id] - best;
    }
}
