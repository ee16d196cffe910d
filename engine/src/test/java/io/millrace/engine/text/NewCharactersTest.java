package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NewCharactersTest {
    @Test
    void replacesWhatUnicode16KnowsAndUnicode13DoesNot() {
        String sign = Character.toString(0x1CCA8); // a symbol of Unicode 16
        String letter = Character.toString(0x315F4); // a letter of Unicode 15

        assertThat(NewCharacters.asOld("a" + sign + "\u0870" + letter))
                .isEqualTo("a" + Character.toString(0x1D100) + "\u00AA" + Character.toString(0x10000));
    }

    @Test
    void leavesOthersAlone() {
        String text = "a é 語 😀 " + Character.toString(0x10FFFF) + "\u088F"; // the last is of Unicode 17

        assertThat(NewCharacters.asOld(text)).isSameAs(text);
    }

    /** On JDK 17 all of them change; on a newer one those keep their category. */
    @Test
    void keepsLengthAndWhatTheJdkKnows() {
        int numChanged = 0;
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            String one = Character.toString(c);
            String old = NewCharacters.asOld(one);
            assertThat(old.length()).isEqualTo(one.length());
            if (!old.equals(one)) {
                numChanged++;
                boolean isKnown = Character.getType(c) != Character.UNASSIGNED;
                for (String category : isKnown ? new String[] {"L", "M", "N", "P", "S"} : new String[0]) {
                    assertThat(old.matches("\\p{" + category + "}"))
                            .as("U+%04X", c)
                            .isEqualTo(one.matches("\\p{" + category + "}"));
                }
                assertThat(Character.getType(old.codePointAt(0))).isNotEqualTo(Character.UNASSIGNED);
            }
        }
        assertThat(numChanged).isEqualTo(11_130);
    }
}
