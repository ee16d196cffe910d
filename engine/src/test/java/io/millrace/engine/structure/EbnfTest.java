package io.millrace.engine.structure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.RejectedException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EbnfTest {
    private static final String SUMS = """
            # sums of products with brackets
            root ::= term (" + " term)*
            term ::= factor ("*" factor){0,2}
            factor ::= number
                     | "(" root ")"   # recursion
            number ::= [1-9] [0-9]? | "\\u0030"
            """;

    private static Structure grammar(String source) {
        return Structure.of(Structure.Kind.GRAMMAR, source);
    }

    @ParameterizedTest
    @CsvSource({
        "0,true",
        "12,true",
        "1 + 2*3,true",
        "((4)),true",
        "(1 + (2))*7,true",
        "1*2*3,true",
        "1*2*3*4,false",
        "012,false",
        "(1,false",
        "1+2,false",
        "123,false"
    })
    void matchesItsLanguage(String text, boolean isMatch) {
        assertThat(Walk.matches(GrammarCache.grammar(grammar(SUMS)), text)).isEqualTo(isMatch);
    }

    @Test
    void bracketsOfAnyDepthBalance() {
        Grammar grammar = GrammarCache.grammar(grammar("root ::= \"[\" root \"]\" | \"\""));
        for (int n = 0; n < 3000; n += 750) {
            assertThat(Walk.matches(grammar, "[".repeat(n) + "]".repeat(n))).isTrue();
            assertThat(Walk.matches(grammar, "[".repeat(n + 1) + "]".repeat(n))).isFalse();
        }
    }

    @Test
    void everyWalkEndsInTheLanguage() {
        CompiledStructure structure = new GrammarCache(Walk.TOKENIZER).get(grammar(SUMS));
        SplittableRandom random = new SplittableRandom(3);
        Grammar again = GrammarCache.grammar(grammar(SUMS));
        for (int i = 0; i < 50; i++) {
            String answer = Walk.answer(structure, random);
            assertThat(answer).matches("[0-9()*+ ]+");
            assertThat(Walk.matches(again, answer)).as(answer).isTrue();
        }
    }

    @Test
    void whatIsTooAmbiguousFailsAtThatPlaceOnly() {
        CompiledStructure structure = new GrammarCache(Walk.TOKENIZER)
                .get(grammar("root ::= s\ns ::= \"a\" s x | \"a\" s y | \"b\"\nx ::= \"c\"\ny ::= \"c\" \"d\"?"));
        GrammarMask mask = structure.newMask(new int[] {Walk.END}, false, false);
        int a = Walk.TOKENIZER.encode("a", false)[0];
        for (int i = 0; i < 40 && mask.failure() == null; i++) {
            mask.accept(a);
        }
        assertThat(mask.failure())
                .contains("more than 5000 ways through it are open: make its alternatives begin differently");
        GrammarMask.Allowed allowed = mask.allowed(mask.place());
        assertThat(allowed.bits()).containsOnly(0L);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '\0',
            value = {
                "rot ::= [a]; there is no rule root",
                "root ::= other; rule other is used but not defined",
                "root ::= [a] root ::= [b]; rule root is defined twice",
                "root ::= root [a] | [b]; left recursion",
                "root ::= [a]* root | [b]; left recursion",
                "root ::= [a] root; nothing can match it",
                "root ::= \"a; a string isn't closed",
                "root ::= [a]{3,2}; a repetition isn't {n}, {n,} or {n,m} with n at most m",
                "root ::= ([a]; a \"(\" isn't closed",
                "root = [a]; behind the name root there is no \"::=\"",
                "root ::= $; \"$\" is unexpected"
            })
    void whatCannotBeHadIsRefused(String source, String message) {
        assertThatThrownBy(() -> new GrammarCache(Walk.TOKENIZER).get(grammar(source)))
                .isInstanceOf(RejectedException.class)
                .hasMessageStartingWith("guided_grammar: ")
                .hasMessageContaining(message.strip());
    }
}
