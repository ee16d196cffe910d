package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
    private static final int MEGABYTE = 1 << 20;
    private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

    private final Tokenizer tokenizer = TinyR1.tokenizer();

    @Test
    void encodesAndDecodesEveryGolden() {
        List<JsonNode> lines = TinyR1.lines("tokenizer-goldens.jsonl");

        assertThat(lines).hasSize(361);
        for (JsonNode line : lines) {
            String text = line.get("text").textValue();
            assertThat(tokenizer.encode(text, true)).as(text).isEqualTo(TinyR1.ids(line.get("ids")));
            assertThat(tokenizer.encode(text, false)).as(text).isEqualTo(TinyR1.ids(line.get("ids_plain")));
            assertThat(tokenizer.decode(TinyR1.ids(line.get("ids")))).isEqualTo(text);
            assertThat(tokenizer.decode(TinyR1.ids(line.get("ids_plain")))).isEqualTo(text);
        }
    }

    @Test
    void knowsItsAddedTokens() {
        assertThat(tokenizer.numTokens()).isEqualTo(504);
        assertThat(tokenizer.idOf("<think>")).hasValue(487);
        assertThat(tokenizer.idOf("The")).isEmpty();
        assertThat(tokenizer.isAdded(487)).isTrue();
        assertThat(tokenizer.isSpecial(487)).isFalse();
        assertThat(tokenizer.isSpecial(1)).isTrue();
        assertThat(tokenizer.isAdded(486)).isFalse();
        assertThat(tokenizer.tokenBytes(492)).isEqualTo("<｜User｜>".getBytes(StandardCharsets.UTF_8));
        assertThat(tokenizer.tokenBytes(504)).isEmpty();
        assertThat(tokenizer.tokenBytes(-1)).isEmpty();
    }

    @Test
    void plainTextNeverBecomesAnAddedToken() {
        for (int id = 0; id < tokenizer.numTokens(); id++) {
            if (tokenizer.isAdded(id)) {
                String name = new String(tokenizer.tokenBytes(id), StandardCharsets.UTF_8);
                String text = "a" + name + name + " " + name;
                assertThat(tokenizer.encode(text, true)).contains(id);
                assertThat(Arrays.stream(tokenizer.encode(text, false))).noneMatch(tokenizer::isAdded);
                assertThat(tokenizer.decode(tokenizer.encode(text, false))).isEqualTo(text);
            }
        }
    }

    @Test
    void cutsTheLongestAddedTokenAtEachPlace() {
        int[] ids = tokenizer.encode("<think><think", true);

        assertThat(ids[0]).isEqualTo(487);
        assertThat(Arrays.copyOfRange(ids, 1, ids.length)).isEqualTo(tokenizer.encode("<think", false));
        assertThat(tokenizer.encode("<<think>>", true)).contains(487);
    }

    @Test
    void anUnpairedSurrogateIsAReplacementCharacter() {
        String high = String.valueOf((char) 0xD83D);

        assertThat(tokenizer.encode("a" + high + "b", false)).isEqualTo(tokenizer.encode("a\uFFFDb", false));
        assertThat(tokenizer.encode(high, false)).isEqualTo(tokenizer.encode("\uFFFD", false));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a", " ", "7", "\n", "\r\n", "😀", "é", "語", "!", "<", "<｜", "\t ", " \n", "a ", " .", "e\u0301",
                "ab1 ", "\u0000"
            })
    void aMegabyteOfAnythingIsEncodedInTime(String unit) {
        String text = unit.repeat(MEGABYTE / unit.getBytes(StandardCharsets.UTF_8).length) + "x";

        long before = CPU.getCurrentThreadCpuTime(); // not of the machine's other work
        int[] ids = tokenizer.encode(text, true);
        Duration used = Duration.ofNanos(CPU.getCurrentThreadCpuTime() - before);

        assertThat(used).isLessThan(Duration.ofSeconds(2));
        assertThat(tokenizer.decode(ids)).isEqualTo(text);
    }

    @Test
    void theCacheIsBounded() {
        for (int i = 0; i < 2 * Tokenizer.CACHED_PIECES; i++) {
            tokenizer.encode("x" + Character.toString(0x4E00 + i % 20_000) + (char) ('a' + i / 20_000) + "bc", false);
            assertThat(tokenizer.numCachedPieces()).isLessThanOrEqualTo(Tokenizer.CACHED_PIECES);
        }
        long before = tokenizer.numCachedPieces();
        tokenizer.encode("y".repeat(1000), false); // too long to keep
        assertThat(tokenizer.numCachedPieces()).isEqualTo(before).isPositive();
    }

    @Test
    void manyThreadsGetTheSameIds() {
        List<JsonNode> lines = TinyR1.lines("tokenizer-goldens.jsonl");

        assertThat(IntStream.range(0, 20 * lines.size()).parallel())
                .allMatch(i -> Arrays.equals(
                        tokenizer.encode(lines.get(i % lines.size()).get("text").textValue(), true),
                        TinyR1.ids(lines.get(i % lines.size()).get("ids"))));
    }

    @Test
    void mergesLikeThePlainRuleOnRandomText() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 500; i++) {
            int[] symbols = random.ints(random.nextInt(40), 0, 4).toArray();
            int[][] pairs = randomPairs(random);
            assertThat(merges(pairs).merge(symbols.clone())).isEqualTo(naive(symbols, pairs));
        }
    }

    /** Twelve distinct pairs, the k-th of ids that are there before its own result, 4 + k. */
    private static int[][] randomPairs(SplittableRandom random) {
        Set<List<Integer>> pairs = new LinkedHashSet<>();
        while (pairs.size() < 12) {
            pairs.add(List.of(random.nextInt(4 + pairs.size()), random.nextInt(4 + pairs.size())));
        }
        return pairs.stream().map(p -> new int[] {p.get(0), p.get(1)}).toArray(int[][]::new);
    }

    private static BpeMerges merges(int[][] pairs) {
        return new BpeMerges(
                Arrays.stream(pairs).mapToInt(p -> p[0]).toArray(),
                Arrays.stream(pairs).mapToInt(p -> p[1]).toArray(),
                IntStream.range(4, 4 + pairs.length).toArray());
    }

    /** Scans for the lowest rank again and again. */
    private static int[] naive(int[] symbols, int[][] pairs) {
        List<Integer> word = new ArrayList<>(Arrays.stream(symbols).boxed().toList());
        for (boolean isMerged = true; isMerged; ) {
            isMerged = false;
            for (int rank = 0; rank < pairs.length && !isMerged; rank++) {
                for (int i = 0; i + 1 < word.size() && !isMerged; i++) {
                    if (word.get(i) == pairs[rank][0] && word.get(i + 1) == pairs[rank][1]) {
                        word.set(i, 4 + rank);
                        word.remove(i + 1);
                        isMerged = true;
                    }
                }
            }
        }
        return word.stream().mapToInt(id -> id).toArray();
    }
}
