package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.millrace.engine.ChatMessage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Compares with Hugging Face's native library on a real tokenizer.json of DeepSeek-V3. Not part of the build: run
 * {@code bench/tokenizer-peer.sh}, which gets the file.
 */
@Tag("peer")
class HuggingFacePeerTest {
    private static final Path FILE = Path.of(System.getProperty("millrace.tokenizer"));
    private static final int NUM_RANDOM = 20_000;

    private static final List<String> UNITS = List.of(
            "<｜begin▁of▁sentence｜>",
            "<｜end▁of▁sentence｜>",
            "<｜User｜>",
            "<｜Assistant｜>",
            "<｜tool▁calls▁begin｜>",
            "<|EOT|>",
            "<｜place▁holder▁no▁7｜>",
            "<｜place▁holder▁no▁79｜>",
            "<think>",
            "</think>",
            "<|User|>",
            "<｜User",
            "｜>",
            "<",
            "▁",
            "你好",
            "世界",
            "的",
            "，",
            "。",
            "ひらがな",
            "カタカナ",
            "한국어",
            "龥龦",
            "゙",
            "ー",
            "العربية",
            "עברית",
            "हिन्दी",
            "ไทย",
            "😀",
            "👩‍👩‍👧",
            "🏳️‍🌈",
            "🇩🇪",
            "👍🏽",
            "𝔘",
            "𠀀",
            "e\u0301",
            "\u0301",
            "ﬁ",
            "İ",
            "ß",
            "½",
            "₂",
            "٣",
            "Ⅷ",
            "𝟙",
            "0",
            "7",
            "42",
            "1234567890",
            "3.14",
            "1e-9",
            "0xFF",
            " ",
            "  ",
            "    ",
            "\t",
            "\n",
            "\r\n",
            "\r",
            "\n\n",
            " \n",
            "\u00A0",
            "\u3000",
            "\u2028",
            "\u2029",
            "\u0085",
            "\u200B",
            "\u180E",
            "\uFEFF",
            "\u000B",
            "\u000C",
            "\u001C",
            "\u0000",
            "\u007F",
            "the",
            " The",
            "Hello",
            "I'm",
            "can't",
            "WE'RE",
            "naïve",
            "don’t",
            "def f(x):\n    return x",
            "int i = 0;",
            "a[i]++",
            "{\"k\": [1, 2]}",
            "<html>",
            "//",
            "/* */",
            "===",
            "->",
            "$",
            "\\boxed{",
            "}",
            "_",
            "#",
            "…",
            "“",
            "”",
            "—",
            "€",
            "™",
            "\uFFFD",
            "\uE000");

    private static final Tokenizer OURS = Tokenizer.load(FILE);
    private static final PreTokenizer PRE_TOKENIZER =
            new PreTokenizer(TokenizerJson.read(FILE).splits());
    private static final HuggingFaceTokenizer THEIRS = theirs();

    private static HuggingFaceTokenizer theirs() {
        try {
            return HuggingFaceTokenizer.builder()
                    .optTokenizerPath(FILE)
                    .optAddSpecialTokens(false)
                    .optTruncation(false)
                    .optPadding(false)
                    .build();
        } catch (IOException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @Test
    void encodesRandomMixesAlike() {
        SplittableRandom random = new SplittableRandom(2025);
        List<String> different = new ArrayList<>();
        long numTokens = 0;
        for (int i = 0; i < NUM_RANDOM; i++) {
            String text = randomText(random);
            int[] ours = OURS.encode(text, true);
            numTokens += ours.length;
            int[] theirs = toInts(THEIRS.encode(text, false, false).getIds());
            if (!Arrays.equals(ours, theirs)) {
                different.add(text + " " + Arrays.toString(ours) + " " + Arrays.toString(theirs));
            }
            assertThat(OURS.decode(ours)).isEqualTo(text);
        }
        System.err.printf(
                "tokenizer peer: %,d of %,d strings equal, %,d tokens%n",
                NUM_RANDOM - different.size(), NUM_RANDOM, numTokens);
        assertThat(different).isEmpty();
    }

    private static String randomText(SplittableRandom random) {
        StringBuilder text = new StringBuilder();
        for (int k = random.nextInt(1, 24); k > 0; k--) {
            if (random.nextInt(5) == 0) {
                text.appendCodePoint(randomPoint(random));
            } else {
                text.append(UNITS.get(random.nextInt(UNITS.size())));
            }
        }
        return text.toString();
    }

    /** Any code point, assigned or not; those of the first planes more often. */
    private static int randomPoint(SplittableRandom random) {
        int point = random.nextInt(0xD800, 0xE000);
        while (point >= 0xD800 && point <= 0xDFFF) {
            point = random.nextInt(new int[] {0x80, 0x800, 0x10000, 0x20000, 0x110000}[random.nextInt(5)]);
        }
        return point;
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "Ġ", "the", "語", "한", "!", "7", " ", "\n", "😀", "<｜User｜>", "aß"})
    void encodesLongPiecesAlike(String unit) {
        String text = unit.repeat(100_000);

        assertThat(OURS.encode(text, true))
                .isEqualTo(toInts(THEIRS.encode(text, false, false).getIds()));
    }

    /** Each code point behind a letter, a sign and a digit: is it in the same piece? */
    @Test
    void cutsAtEveryCodePointAlike() {
        for (int first = 0; first < Character.MAX_CODE_POINT; first += 0x400) {
            if (first < Character.MIN_SURROGATE || first > Character.MAX_SURROGATE) {
                StringBuilder text = new StringBuilder();
                for (int c = first; c < first + 0x400; c++) {
                    text.append("\na")
                            .appendCodePoint(c)
                            .append("\n!")
                            .appendCodePoint(c)
                            .append("\n1")
                            .appendCodePoint(c);
                }
                assertThat(tokensByPiece(text.toString()))
                        .as("from U+%04X", first)
                        .isEqualTo(tokensByWord(
                                THEIRS.encode(text.toString(), false, false).getWordIds()));
            }
        }
    }

    private static List<Integer> tokensByPiece(String text) {
        List<Integer> out = new ArrayList<>();
        PRE_TOKENIZER.forEachPiece(text, piece -> out.add(OURS.encode(piece, false).length));
        return out;
    }

    private static List<Integer> tokensByWord(long[] wordIds) {
        List<Integer> out = new ArrayList<>();
        for (int i = 0, start = 0; i < wordIds.length; i++) {
            if (i + 1 == wordIds.length || wordIds[i + 1] != wordIds[i]) {
                out.add(i + 1 - start);
                start = i + 1;
            }
        }
        return out;
    }

    @Test
    void decodesRandomIdsAlike() {
        SplittableRandom random = new SplittableRandom(2026);
        for (int i = 0; i < 5_000; i++) {
            int[] ids = random.ints(random.nextInt(1, 12), 0, OURS.numTokens()).toArray();
            if (i % 2 == 0) { // mostly single bytes and short ones, which seldom make whole characters
                ids = Arrays.stream(ids).map(id -> id % 300).toArray();
            }
            long[] longs = Arrays.stream(ids).asLongStream().toArray();
            assertThat(OURS.decode(ids)).as(Arrays.toString(ids)).isEqualTo(THEIRS.decode(longs, false));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '=',
            quoteCharacter = '`',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "Hello!=19923 3",
                "Hello, world! 123456 7=19923 14 2058 3 223 6895 18009 223 25",
                "  two  spaces⏎⏎\tTab=223 1234 223 13564 271 200 36440",
                "你好,世界=30594 14 3427",
                "2024年12月26日=939 22 695 736 1266 1450 1080",
                "I'm can't WE'RE=43 4571 588 1664 33418 9 3827",
                "naïve café — “quotes”=2720 91223 57664 2136 811 403 7183 430",
                "👩‍👩‍👧 emoji=25730 105 46088 25730 105 46088 25730 103 980 82644",
                "<｜User｜>What is 1+1?<｜Assistant｜>=128803 3085 344 223 19 13 19 33 128804",
                "カタカナ ひらがな 한국어=15961 11767 15961 27071 223 40259 4970 2936 2942 51345 9227",
                "₂³½ ٣=59853 5826 23951 223 127056",
                "\u00A0x\u3000y=2162 90 18524 91",
                "e\u0301clair=71 17793 58082",
                "𝔘nicode=3128 245 249 8820 1184",
                "1234567890=6895 18009 25744 18",
                "    def f(x):⏎        return x⏎=361 1351 285 4042 3395 528 1354 1527 201",
                "⏎=201",
                "⏎⏎=271",
                "   =361",
                "<think>⏎=30 37947 1018",
            })
    void encodesTheKnownVectors(String text, String ids) {
        int[] expected =
                Arrays.stream(ids.split(" ")).mapToInt(Integer::parseInt).toArray();
        String lines = text.replace('⏎', '\n');

        assertThat(OURS.encode(lines, true)).isEqualTo(expected);
        assertThat(toInts(THEIRS.encode(lines, false, false).getIds())).isEqualTo(expected);
    }

    @Test
    void hasTheKnownIds() {
        assertThat(OURS.numTokens()).isEqualTo(128_815);
        assertThat(OURS.idOf("<｜begin▁of▁sentence｜>")).hasValue(0);
        assertThat(OURS.idOf("<｜User｜>")).hasValue(128_803);
        assertThat(OURS.idOf("<think>")).isEmpty();
        assertThat(OURS.encode("x=1;y=22;z=4444\r\nnext", true))
                .containsExactly(90, 31, 19, 29, 91, 31, 1302, 29, 92, 31, 18966, 22, 204, 201, 6695);
    }

    @Test
    void rendersTheChatTemplate() {
        ChatTemplate template = ChatTemplate.of(OURS, FILE.resolveSibling("tokenizer_config.json"));
        int[] prompt = template.render(List.of(new ChatMessage(ChatMessage.Role.USER, "Hello!")));

        assertThat(prompt).containsExactly(0, 128_803, 19_923, 3, 128_804);
        assertThat(template.startsInsideReasoning(prompt)).isFalse();
    }

    private static int[] toInts(long[] ids) {
        return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
    }
}
