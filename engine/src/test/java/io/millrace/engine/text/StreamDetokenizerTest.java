package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StreamDetokenizerTest {
    private static final String[] UNITS = {"a", "é", "語", "😀", "👩‍👩‍👧", "\n", "e\u0301", " the", "𝔘", "\uFFFD"};
    /** Where bytes of many kinds break off. */
    private static final int[] BYTES = {
        0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1,
        0xF4, 0xF5, 0xFF
    };

    private final Tokenizer tokenizer = TinyR1.tokenizer();

    @Test
    void givesWholeCharactersHoweverTokensCutThem() {
        SplittableRandom random = new SplittableRandom(3);
        for (int round = 0; round < 3_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(20); i > 0; i--) {
                text.append(UNITS[random.nextInt(UNITS.length)]);
            }
            int[] merged = tokenizer.encode(text.toString(), false);
            int[] single = bytesToIds(text.toString().getBytes(StandardCharsets.UTF_8));

            assertThat(stream(merged)).isEqualTo(text.toString());
            assertThat(stream(single)).isEqualTo(text.toString());
        }
    }

    @Test
    void holdsBackAnIncompleteCharacter() {
        StreamDetokenizer stream = new StreamDetokenizer(tokenizer);
        int[] ids = bytesToIds("😀".getBytes(StandardCharsets.UTF_8));

        assertThat(stream.append(ids[0]) + stream.append(ids[1]) + stream.append(ids[2]))
                .isEmpty();
        assertThat(stream.append(511)).isEmpty(); // an id that the vocabulary lacks changes nothing
        assertThat(stream.append(ids[3])).isEqualTo("😀");
        assertThat(stream.append(ids[0])).isEmpty();
        assertThat(stream.finish()).isEqualTo("\uFFFD");
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void anAddedTokenEndsAnIncompleteCharacter() {
        StreamDetokenizer stream = new StreamDetokenizer(tokenizer);

        assertThat(stream.append(bytesToIds(new byte[] {(byte) 0xF0})[0])).isEmpty();
        assertThat(stream.append(488)).isEqualTo("\uFFFD</think>");
    }

    @Test
    void replacesWhatCanNeverCompleteAsTheUnicodeStandardSays() {
        Map<Integer, Boolean> starts = properStarts();
        SplittableRandom random = new SplittableRandom(5);
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = new byte[random.nextInt(12)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) BYTES[random.nextInt(BYTES.length)];
            }
            assertThat(stream(bytesToIds(bytes))).as(Arrays.toString(bytes)).isEqualTo(slow(bytes, starts));
            assertThat(tokenizer.decode(bytesToIds(bytes))).isEqualTo(slow(bytes, starts));
        }
    }

    private String stream(int[] ids) {
        StreamDetokenizer stream = new StreamDetokenizer(tokenizer);
        StringBuilder out = new StringBuilder();
        for (int id : ids) {
            String delta = stream.append(id);
            assertThat(delta.codePoints()).noneMatch(c -> c >= 0xD800 && c <= 0xDFFF);
            out.append(delta);
        }
        return out.append(stream.finish()).toString();
    }

    private int[] bytesToIds(byte[] bytes) {
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            for (int id = 3; id < 259; id++) {
                if (tokenizer.tokenBytes(id)[0] == bytes[i]) {
                    ids[i] = id;
                }
            }
        }
        return ids;
    }

    /** All starts of all characters' UTF-8, made by the JDK's encoder; the value says whether it is a whole character. */
    private static Map<Integer, Boolean> properStarts() {
        Map<Integer, Boolean> out = new HashMap<>();
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            if (c < 0xD800 || c > 0xDFFF) {
                byte[] utf8 = Character.toString(c).getBytes(StandardCharsets.UTF_8);
                for (int n = 1; n <= utf8.length; n++) {
                    out.put(key(utf8, 0, n), n == utf8.length);
                }
            }
        }
        return out;
    }

    private static int key(byte[] bytes, int from, int n) {
        int key = 0;
        for (int i = 0; i < n; i++) {
            key = key << 8 | (bytes[from + i] & 0xFF);
        }
        return key;
    }

    /** Takes the longest start of a character each time: as it is if whole, else as one U+FFFD. */
    private static String slow(byte[] bytes, Map<Integer, Boolean> starts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < bytes.length; ) {
            int n = 1;
            while (n < 4
                    && i + n < bytes.length
                    && starts.containsKey(key(bytes, i, n + 1))
                    && !starts.getOrDefault(key(bytes, i, n), false)) {
                n++;
            }
            boolean isWhole = starts.getOrDefault(key(bytes, i, n), false);
            out.writeBytes(isWhole ? Arrays.copyOfRange(bytes, i, i + n) : "\uFFFD".getBytes(StandardCharsets.UTF_8));
            i += n;
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}
