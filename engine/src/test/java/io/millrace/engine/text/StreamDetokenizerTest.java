package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
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
    private final int[] idOfByte = new int[256];

    StreamDetokenizerTest() {
        for (int id = 3; id < 259; id++) {
            idOfByte[tokenizer.tokenBytes(id)[0] & 0xFF] = id;
        }
    }

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
        Set<Integer> starts = properStarts();
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
            ids[i] = idOfByte[bytes[i] & 0xFF];
        }
        return ids;
    }

    /** All proper starts of all characters' UTF-8, made by the JDK's encoder; 64 characters in a row share theirs. */
    private static Set<Integer> properStarts() {
        Set<Integer> out = new HashSet<>();
        for (int c = 0x80; c <= Character.MAX_CODE_POINT; c += 0x40) {
            if (c < 0xD800 || c > 0xDFFF) {
                byte[] utf8 = Character.toString(c).getBytes(StandardCharsets.UTF_8);
                for (int n = 1; n < utf8.length; n++) {
                    out.add(key(utf8, 0, n));
                }
            }
        }
        return out;
    }

    private static boolean isCharacter(byte[] bytes) {
        try {
            CharBuffer chars = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return chars.toString().codePointCount(0, chars.length()) == 1;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private static int key(byte[] bytes, int from, int n) {
        int key = 0;
        for (int i = 0; i < n; i++) {
            key = key << 8 | (bytes[from + i] & 0xFF);
        }
        return key;
    }

    /** Takes a character where one stands, else the longest start of one, as one U+FFFD. */
    private static String slow(byte[] bytes, Set<Integer> starts) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < bytes.length; ) {
            int n = 1;
            while (n < 4 && i + n < bytes.length && starts.contains(key(bytes, i, n))) {
                n++;
            }
            byte[] taken = Arrays.copyOfRange(bytes, i, i + n);
            while (n > 1 && !isCharacter(taken) && !starts.contains(key(bytes, i, n))) {
                n--;
                taken = Arrays.copyOfRange(bytes, i, i + n);
            }
            out.append(isCharacter(taken) ? new String(taken, StandardCharsets.UTF_8) : "\uFFFD");
            i += n;
        }
        return out.toString();
    }
}
