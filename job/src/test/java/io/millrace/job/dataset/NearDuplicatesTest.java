package io.millrace.job.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class NearDuplicatesTest {
    private static String words(SplittableRandom random, int count) {
        StringBuilder sb = new StringBuilder();
        for (int i = 0; i < count; i++) {
            sb.append(Long.toString(random.nextLong(0, 1_000_000), 36)).append(' ');
        }
        return sb.toString();
    }

    /** The exact similarity of two texts, by sets of three words. */
    private static double jaccard(String a, String b) {
        Set<String> all = shingles(a);
        Set<String> both = new HashSet<>(all);
        both.retainAll(shingles(b));
        all.addAll(shingles(b));
        return (double) both.size() / all.size();
    }

    private static Set<String> shingles(String text) {
        String[] words = text.strip().split(" ");
        Set<String> shingles = new HashSet<>();
        for (int i = 0; i + 3 <= words.length; i++) {
            shingles.add(words[i] + " " + words[i + 1] + " " + words[i + 2]);
        }
        return shingles;
    }

    @Test
    void agreesWithTheExactSimilarityButNearTheThreshold() {
        SplittableRandom random = new SplittableRandom(1);
        int numNear = 0;
        int numFar = 0;
        for (int round = 0; round < 400; round++) {
            String text = words(random, 120);
            String[] changed = text.strip().split(" ");
            int changes = random.nextInt(30);
            for (int i = 0; i < changes; i++) {
                changed[random.nextInt(changed.length)] = "new" + i;
            }
            String other = String.join(" ", changed);
            NearDuplicates duplicates = new NearDuplicates(0.7);
            assertThat(duplicates.findOrKeep("a", text)).isNull();
            boolean isNear = duplicates.findOrKeep("b", other) != null;
            double similarity = jaccard(text, other);
            if (similarity > 0.7 + 0.16) { // four standard deviations of 128 minima
                assertThat(isNear).as("similarity %s", similarity).isTrue();
                numNear++;
            } else if (similarity < 0.7 - 0.16) {
                assertThat(isNear).as("similarity %s", similarity).isFalse();
                numFar++;
            }
        }
        assertThat(numNear).isGreaterThan(30);
        assertThat(numFar).isGreaterThan(30);
    }

    @Test
    void namesTheFirstOneAndKeepsWhatIsNew() {
        NearDuplicates duplicates = new NearDuplicates(0.8);

        assertThat(duplicates.findOrKeep("a", "one two three four")).isNull();
        assertThat(duplicates.findOrKeep("b", "five six seven eight")).isNull();
        assertThat(duplicates.findOrKeep("c", " ONE  two\nthree four ")).isEqualTo("a");
        assertThat(duplicates.findOrKeep("d", "one")).isNull();
        assertThat(duplicates.findOrKeep("e", "one")).isEqualTo("d");
        assertThat(duplicates.findOrKeep("f", "")).isNull();
        assertThat(duplicates.findOrKeep("g", "two")).isNull();
    }
}
