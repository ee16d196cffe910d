package io.millrace.engine.program;

import static io.millrace.engine.program.Steps.LIMITS;
import static io.millrace.engine.program.Steps.gen;
import static io.millrace.engine.program.Steps.program;
import static io.millrace.engine.program.Steps.select;
import static io.millrace.engine.program.Steps.user;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.RejectedException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProgramCheckTest {
    private static void assertRefused(Program program, String message) {
        assertThatThrownBy(() -> program.check(LIMITS))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining(message);
    }

    @Test
    void countsRoundsBranchesAndChoices() {
        List<Step> body = List.of(user("q"), gen("g", 1), select("s", "a", "b"));
        assertThatCode(() -> program(Step.Fork.of(25, body)).check(LIMITS)).doesNotThrowAnyException();
        assertRefused(
                program(Step.Fork.of(25, body), user("more")),
                "program has more than 100 steps with its rounds and branches unrolled: make it shorter or raise"
                        + " max-program-steps");
        assertRefused(program(new Step.Repeat(26, body, null)), "more than 100 steps");
    }

    @Test
    void nestedCountsDontOverflow() {
        Step step = gen("g", 1);
        for (int depth = 0; depth < 14; depth++) {
            step = depth % 2 == 0 ? Step.Fork.of(100, List.of(step)) : new Step.Repeat(100, List.of(step), null);
        }
        assertRefused(program(step), "more than 100 steps");
        Step idle = user("nothing");
        for (int depth = 0; depth < 14; depth++) {
            idle = Step.Fork.of(100, List.of(idle));
        }
        assertRefused(program(idle, gen("g")), "more than 100 steps");
    }

    @Test
    void countsTokens() {
        assertRefused(
                program(new Step.Repeat(11, List.of(gen("g", 1000)), null)),
                "program may make 11,000 tokens but the limit is 10,000: give its gens a lower max_tokens (without one, a"
                        + " gen counts as 2,048) or raise max-program-tokens");
        assertRefused(program(Step.Fork.of(5, List.of(gen("g", null)))), "program may make 10,240 tokens");
        assertThatCode(() -> program(Step.Fork.of(4, List.of(gen("g", null)))).check(LIMITS))
                .doesNotThrowAnyException();
    }

    @Test
    void thereMustBeSomethingToDo() {
        assertRefused(program(user("q")), "program has neither gen nor select: give it one");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{later}", "{a[0]}", "{g[3]}", "{g}", "{r[1]}", "{x[0]}"})
    void namesMustBeSureToBeThere(String text) {
        Program p = program(
                gen("a"),
                Step.Fork.of(3, List.of(gen("g"))),
                new Step.Repeat(2, List.of(gen("r")), new Step.Until("r", Template.parse("x", ""))),
                user(text),
                gen("later"));
        assertRefused(p, text + " is no result that is sure to be there: those are a, g[0], g[1], g[2], r, r[0]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{a}", "{g[2]}", "{g[*]}", "{r}", "{r[0]}", "{r[*]}", "{f}", "{{later}}", "{r[0]}{a}}}"})
    void namesThatAre(String text) {
        Program p = program(
                gen("a"),
                Step.Fork.of(3, List.of(user("{a}"), gen("g"), user("{g}"))),
                new Step.Fork(List.of(List.of(gen("e")), List.of(gen("f"))), false),
                new Step.Repeat(2, List.of(gen("r"), user("{r}")), new Step.Until("r", Template.parse("x", ""))),
                user(text));
        assertThat(p.check(LIMITS)).isSameAs(p);
    }

    @Test
    void branchesDontSeeEachOther() {
        Program p = program(new Step.Fork(List.of(List.of(gen("e")), List.of(user("{e}"), gen("f"))), false));
        assertRefused(p, "{e} is no result that is sure to be there: those are none");
        assertRefused(program(gen("a"), user("{a[*]}")), "{a[*]} has no numbered results: those known here are a");
    }

    @Test
    void namesAreGivenOnce() {
        assertRefused(program(gen("a"), select("a", "x")), "\"a\" names two results");
        assertRefused(
                program(gen("a"), new Step.Repeat(2, List.of(gen("b")), new Step.Until("a", Template.parse("x", "")))),
                "until waits for \"a\" but the repeat's steps have no such result: name one of them");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{", "a } b", "{a b}", "{a[}", "{}", "{a[-1]}", "{a[*][0]}", "{1}"})
    void bracesAreNamesOrDoubled(String text) {
        assertThatThrownBy(() -> Template.parse(text, "program[0].user"))
                .isInstanceOf(RejectedException.class)
                .hasMessageStartingWith("program[0].user: \"")
                .hasMessageEndingWith("is no {name} of a result: write {{ and }} for braces themselves");
    }
}
