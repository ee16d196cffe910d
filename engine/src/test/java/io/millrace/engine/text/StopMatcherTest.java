package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

class StopMatcherTest {
    private static final String[] LETTERS = {"a", "b", "😀", "a", "ab", "é"};

    @Test
    void agreesWithTheWholeTextHoweverItIsCut() {
        SplittableRandom random = new SplittableRandom(11);
        int numStopped = 0;
        for (int round = 0; round < 20_000; round++) {
            List<String> bits = new ArrayList<>();
            for (int i = random.nextInt(12); i > 0; i--) {
                bits.add(randomText(random, 5));
            }
            List<String> stops = new ArrayList<>();
            for (int i = random.nextInt(4); i > 0; i--) {
                stops.add(LETTERS[random.nextInt(LETTERS.length)] + randomText(random, 6));
            }
            int numFree = random.nextInt(3); // the first bits can't stop
            String expected = cut(bits, stops, numFree);

            assertThat(run(bits, stops, numFree)).as("%s %s", bits, stops).isEqualTo(expected);
            numStopped += expected.equals(String.join("", bits)) ? 0 : 1;
        }
        assertThat(numStopped).isBetween(4_000, 19_000); // both cases are common
    }

    private static String randomText(SplittableRandom random, int maxLetters) {
        StringBuilder out = new StringBuilder();
        for (int i = random.nextInt(maxLetters); i > 0; i--) {
            out.append(LETTERS[random.nextInt(LETTERS.length)]);
        }
        return out.toString();
    }

    /** Looks at every end of the joined text, from the left. */
    private static String cut(List<String> bits, List<String> stops, int numFree) {
        String all = String.join("", bits);
        int free =
                String.join("", bits.subList(0, Math.min(numFree, bits.size()))).length();
        for (int end = free + 1; end <= all.length(); end++) {
            String until = all.substring(0, end);
            int longest = stops.stream()
                    .filter(until::endsWith)
                    .mapToInt(String::length)
                    .max()
                    .orElse(0);
            if (longest > 0) {
                return until.substring(0, end - longest);
            }
        }
        return all;
    }

    /** Returns what the matcher gave out, having checked that it never held back more than it has to. */
    private static String run(List<String> bits, List<String> stops, int numFree) {
        StopMatcher matcher = new StopMatcher(stops);
        StringBuilder out = new StringBuilder();
        int maxHeld = stops.stream().mapToInt(s -> s.length() - 1).max().orElse(0);
        int numTaken = 0;
        for (int i = 0; i < bits.size() && !matcher.isStopped(); i++) {
            out.append(matcher.append(bits.get(i), i >= numFree));
            numTaken += bits.get(i).length();
            if (!matcher.isStopped()) {
                assertThat(numTaken - out.length()).isBetween(0, maxHeld);
            }
            assertThat(out.length() > 0 && Character.isHighSurrogate(out.charAt(out.length() - 1)))
                    .isFalse();
        }
        return out.append(matcher.finish()).toString();
    }

    @Test
    void holdsBackOnlyWhatMayBecomeAStopString() {
        StopMatcher matcher = new StopMatcher(List.of("END", "NIL"));

        assertThat(matcher.append("the EN", true)).isEqualTo("the ");
        assertThat(matcher.append("I", true)).isEqualTo("E");
        assertThat(matcher.append("x", true)).isEqualTo("NIx");
        assertThat(matcher.finish()).isEmpty();
    }

    @Test
    void takesNothingAfterAStopString() {
        StopMatcher matcher = new StopMatcher(List.of("b"));

        assertThat(matcher.append("abc", true)).isEqualTo("a");
        assertThat(matcher.isStopped()).isTrue();
        assertThatThrownBy(() -> matcher.append("x", true)).hasMessage("text after a stop string");
    }

    @Test
    void refusesAnEmptyStopString() {
        assertThatThrownBy(() -> new StopMatcher(List.of("a", ""))).hasMessage("a stop string is empty");
    }

    @Test
    void aLongStopStringThatNearlyMatchesCostsNoMore() {
        StopMatcher matcher = new StopMatcher(List.of("a".repeat(200_000) + "b"));

        Assertions.assertTimeout(Duration.ofSeconds(2), () -> {
            for (int i = 0; i < 1_000_000; i++) {
                assertThatHolds(matcher.append("a", true), i >= 200_000);
            }
        });
        assertThat(matcher.finish()).hasSize(200_000);
    }

    private static void assertThatHolds(String released, boolean isOne) {
        if (released.length() != (isOne ? 1 : 0)) {
            throw new AssertionError("released " + released.length());
        }
    }
}
