package io.millrace.engine.structure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.RejectedException;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegexTest {
    private static Structure regex(String source) {
        return Structure.of(Structure.Kind.REGEX, source);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "abc|a?b*c+",
                "(?:ab|a)(bc)?",
                "[a-c]{2,3}c?",
                "[^ab]{1,2}",
                "(a|b|ab)*c",
                "(a*)*b",
                "a{2,}b{0,2}",
                "\\d+\\.\\w\\s?",
                "[é-ü€😀-😂]+b?",
                ".{0,3}",
                "(a{0,2}){0,2}",
                "",
                "^a$|^b+$",
                "\\u0061\\x62[\\]\\-c-]*"
            })
    void matchesWhatTheJdksMatcherMatches(String source) {
        Grammar grammar = GrammarCache.grammar(regex(source));
        Pattern pattern = Pattern.compile(source);
        SplittableRandom random = new SplittableRandom(source.hashCode());
        String[] alphabet = {"a", "b", "c", "1", ".", " ", "é", "€", "😁", "-", "]"};
        int matched = 0;
        for (int i = 0; i < 3000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(6); n > 0; n--) {
                text.append(alphabet[random.nextInt(random.nextInt(2) == 0 ? 3 : alphabet.length)]);
            }
            boolean isMatch = pattern.matcher(text).matches();
            assertThat(Walk.matches(grammar, text.toString()))
                    .as(text.toString())
                    .isEqualTo(isMatch);
            matched += isMatch ? 1 : 0;
        }
        assertThat(matched).isPositive();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"[a-z]{3,8}@[a-z]+\\.(com|org)", "\\d{4}-(0[1-9]|1[0-2])", "(yes|no|maybe)!{1,3}", "[α-ω]{5}😀"})
    void everyWalkEndsInAMatch(String source) {
        CompiledStructure structure = new GrammarCache(Walk.TOKENIZER).get(regex(source));
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 100; i++) {
            assertThat(Walk.answer(structure, random)).matches(source);
        }
    }

    @Test
    void choicesAreTakenAsTheyStand() {
        List<String> choices = List.of("a.b", "a.bc", "", "日本");
        CompiledStructure structure =
                new GrammarCache(Walk.TOKENIZER).get(new Structure(Structure.Kind.CHOICE, "", choices));
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 100; i++) {
            assertThat(Walk.answer(structure, random)).isIn(choices);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '\0',
            value = {
                "a(b; a \"(\" isn't closed",
                "a); \")\" closes nothing",
                "(?=a)b; \"(?\" is supported as \"(?:\" only",
                "(a)\\1; \"\\1\" is not supported",
                "a\\b; \"\\b\" is not supported",
                "a**; a repetition is repeated: put it in a group",
                "a{3,2}; a repetition has 3 as minimum but 2 as maximum",
                "a{99999}; a repetition count is above 20000",
                "[b-a]; a range of characters goes backwards or from a class",
                "a^b; \"^\" is supported at the ends of the expression or its alternatives only",
                "((a{1000}){1000}){1000}; more than 100000 states: use fewer or smaller alternatives",
                "[^\\s\\S]; nothing can match it"
            })
    void whatCannotBeHadIsRefused(String source, String message) {
        assertThatThrownBy(() -> new GrammarCache(Walk.TOKENIZER).get(regex(source)))
                .isInstanceOf(RejectedException.class)
                .hasMessageStartingWith("guided_regex: ")
                .hasMessageContaining(message.strip());
    }
}
