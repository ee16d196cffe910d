package io.millrace.engine.sample;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.kernels.TokenPenalties;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PenaltiesTest {
    private static SamplingParams params(
            int minTokens, double repetition, double frequency, Map<Integer, Double> bias) {
        return SamplingParams.resolve(
                new SamplingOptions(
                        null,
                        minTokens,
                        null,
                        null,
                        null,
                        null,
                        0.0,
                        frequency,
                        repetition,
                        null,
                        null,
                        null,
                        null,
                        null,
                        bias,
                        null),
                0);
    }

    private static Map<Integer, String> entries(TokenPenalties p) {
        Map<Integer, String> out = new TreeMap<>();
        for (int i = 0; i < p.length(); i++) {
            out.put(p.tokens()[i], p.outputCounts()[i] + "/" + p.isSeen()[i] + "/" + p.bias()[i]);
        }
        return out;
    }

    @Test
    void isNullWhenNothingIsAsked() {
        assertThat(Penalties.of(params(0, 1, 0, Map.of()), new int[] {1, 2})).isNull();
    }

    @Test
    void countsOutputOnlyButSeesThePrompt() {
        Penalties p = Penalties.of(params(0, 1.2, 0.5, Map.of(9, 2.0)), new int[] {3, 3, 4});
        p.addOutput(4);
        p.addOutput(4);
        p.addOutput(5);
        assertThat(entries(p.forNextDraw(new int[] {1}, false)))
                .isEqualTo(Map.of(3, "0/true/0.0", 4, "2/true/0.0", 5, "1/true/0.0", 9, "0/false/2.0"));
    }

    @Test
    void masksEndTokensUntilMinTokensAndThenRestoresTheirBias() {
        Penalties p = Penalties.of(params(2, 1, 0, Map.of(1, 3.0)), new int[] {8});
        assertThat(entries(p.forNextDraw(new int[] {1, 2}, false)))
                .isEqualTo(Map.of(1, "0/false/-Infinity", 2, "0/false/-Infinity"));
        p.addOutput(5);
        assertThat(entries(p.forNextDraw(new int[] {1, 2}, false))).containsEntry(1, "0/false/-Infinity");
        p.addOutput(5);
        assertThat(entries(p.forNextDraw(new int[] {1, 2}, false)))
                .containsEntry(1, "0/false/3.0")
                .containsEntry(2, "0/false/0.0");
    }

    @Test
    void growsPastItsFirstArrays() {
        Penalties p = Penalties.of(params(0, 1.5, 0, Map.of()), new int[0]);
        for (int id = 0; id < 100; id++) {
            p.addOutput(id);
        }
        assertThat(entries(p.forNextDraw(new int[0], false))).hasSize(100).containsEntry(99, "1/true/0.0");
    }

    @Test
    void forbidsTheLastTokenOfABadWordThatIsBegun() {
        SamplingParams params = params(0, 1, 0, Map.of(6, 1.0)).withBadWords(List.of(List.of(5, 6, 7), List.of(9)));
        Penalties p = Penalties.of(params, new int[] {5, 6}); // in the prompt it doesn't count
        assertThat(entries(p.forNextDraw(new int[0], false)))
                .isEqualTo(Map.of(6, "0/false/1.0", 9, "0/false/-Infinity"));
        p.addOutput(5);
        p.addOutput(6);
        assertThat(entries(p.forNextDraw(new int[0], false))).containsEntry(7, "0/false/-Infinity");
        p.addOutput(6);
        assertThat(entries(p.forNextDraw(new int[0], false)))
                .containsEntry(7, "0/false/0.0")
                .containsEntry(6, "2/true/1.0")
                .containsEntry(9, "0/false/-Infinity");
    }
}
