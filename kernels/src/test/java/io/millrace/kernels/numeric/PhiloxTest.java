package io.millrace.kernels.numeric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PhiloxTest {
    @Test
    void givesThePublishedAnswers() {
        int[] out = new int[4];
        Philox.block(out, 0, 0, 0, 0, 0);
        assertThat(out).containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
        Philox.block(out, -1, -1, -1, -1, -1L);
        assertThat(out).containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
        Philox.block(out, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0x299f31d0_a4093822L);
        assertThat(out).containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
    }

    @Test
    void drawsTheNoiseOfSeed7() {
        check(
                0,
                5,
                0,
                new int[] {0x1abf8b6d, 0xd9dc0599, 0xecb1c887, 0xcb4271d4},
                -0.814793618651,
                1.824320266291,
                2.545838145731,
                1.466664363448);
        check(
                1,
                5,
                0,
                new int[] {0xee30400e, 0x990b5bb6, 0x24da9ebc, 0xf714a350},
                2.629490962048,
                0.664657732327,
                -0.661766776108,
                3.339271680053);
        check(
                0,
                6,
                0,
                new int[] {0xe67ae9f0, 0x78b80c3d, 0x9234d670, 0x07cf98c6},
                2.253673218045,
                0.285401425166,
                0.579536137976,
                -1.249802608181);
        check(
                0,
                5,
                1,
                new int[] {0x7b128afe, 0x183a7e30, 0xe5feecec, 0xc7969c6b},
                0.311422495217,
                -0.857664644958,
                2.233839325549,
                1.390621397609);
        check(
                32319,
                5,
                0,
                new int[] {0x9a8735b2, 0x178944db, 0x1808307b, 0x1c80175e},
                0.683590829717,
                -0.869885466765,
                -0.861112678007,
                -0.786300875702);
    }

    @Test
    void uniformsNeverReachZeroOrOne() {
        assertThat(Philox.uniform(0)).isEqualTo(0x1p-33);
        assertThat(Philox.uniform(-1)).isEqualTo(1 - 0x1p-33);
        assertThat(Philox.gumbel(0)).isBetween(-3.2, -3.1);
        assertThat(Philox.gumbel(-1)).isBetween(22.8, 22.9);
    }

    private static void check(int tokenBlock, int position, int sampleIndex, int[] bits, double... gumbels) {
        int[] out = new int[4];
        Philox.tokenBlock(out, 7, tokenBlock, position, sampleIndex);
        assertThat(out).containsExactly(bits);
        for (int i = 0; i < 4; i++) {
            assertThat(Philox.gumbel(out[i])).isCloseTo(gumbels[i], within(1e-12));
        }
    }
}
