package io.millrace.engine.program;

import static io.millrace.engine.program.Steps.assistant;
import static io.millrace.engine.program.Steps.drawn;
import static io.millrace.engine.program.Steps.gen;
import static io.millrace.engine.program.Steps.program;
import static io.millrace.engine.program.Steps.scored;
import static io.millrace.engine.program.Steps.select;
import static io.millrace.engine.program.Steps.user;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ChatMessage;
import io.millrace.engine.FinishReason;
import io.millrace.engine.PromptInput;
import io.millrace.engine.PromptInput.Said;
import io.millrace.engine.RejectedException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ProgramRunTest {
    private final Map<Integer, PartResult> results = new HashMap<>();

    private ProgramRun read(Program program) {
        return ProgramRun.of(program, results::get);
    }

    private static List<Integer> indices(ProgramRun run) {
        return run.waiting().stream().map(Part::index).toList();
    }

    private static ChatMessage says(ChatMessage.Role role, String text) {
        return new ChatMessage(role, text);
    }

    @Test
    void aTurnEndsWhereTheNextBeginsAndResultsAreFilledIn() {
        Program p = program(
                user("Fruit?"), assistant("I say "), gen("fruit"), assistant("!"), user("{fruit} {{is}}?"), gen("b"));
        ProgramRun run = read(p);
        assertThat(run.waiting()).hasSize(1);
        assertThat(run.waiting().get(0).name()).isEqualTo("fruit");
        assertThat(run.waiting().get(0).prompt())
                .isEqualTo(new PromptInput.Turn(
                        List.of(says(ChatMessage.Role.USER, "Fruit?")), List.of(new Said.Written("I say "))));

        results.put(0, drawn(0, "fig", FinishReason.LENGTH));
        Part second = read(p).waiting().get(0);
        assertThat(second.index()).isEqualTo(1);
        assertThat(second.prompt().answer()).isEmpty();
        assertThat(second.prompt().messages())
                .containsExactly(
                        says(ChatMessage.Role.USER, "Fruit?"),
                        says(ChatMessage.Role.ASSISTANT, "I say fig!"),
                        says(ChatMessage.Role.USER, "fig {is}?"));

        results.put(1, drawn(1, "yes", FinishReason.STOP));
        run = read(p);
        assertThat(run.waiting()).isEmpty();
        assertThat(run.done()).extracting(Result::name).containsExactly("fruit", "b");
    }

    @Test
    void whatWasDrawnInATurnGoesOnAsItsTokens() {
        Program p = program(user("q"), gen("a"), assistant(" so "), gen("b"));
        results.put(0, drawn(0, "x", FinishReason.STOP));
        List<Said> answer = read(p).waiting().get(0).prompt().answer();
        assertThat(answer).hasSize(2);
        assertThat(((Said.Generated) answer.get(0)).tokenIds()).containsExactly(0);
        assertThat(answer.get(1)).isEqualTo(new Said.Written(" so "));
    }

    @Test
    void theLikeliestChoiceIsSaidByMeanOrSumAndTheFirstOfEquals() {
        for (boolean isMean : new boolean[] {true, false}) {
            Step.Select byMean = (Step.Select) select("s", "ab", "c", "d");
            Program p = program(user("q"), new Step.Select("s", byMean.choices(), isMean), user("{s}"), gen("g"));
            results.clear();
            assertThat(indices(read(p))).containsExactly(0, 1, 2);
            Part scoring = read(p).waiting().get(1);
            assertThat(scoring.scoring()).isNotNull();
            assertThat(scoring.scoring().continuation()).isEqualTo("c");
            assertThat(scoring.prompt().answer()).containsExactly(new Said.Written(""));
            results.put(0, scored(-1, -1));
            results.put(2, scored(-1.5));
            assertThat(indices(read(p))).containsExactly(1);
            results.put(1, scored(-1.5));
            Result chosen = read(p).done().get(0);
            assertThat(chosen.chosenText()).isEqualTo(isMean ? "ab" : "c");
            assertThat(chosen.choices())
                    .extracting(Result.Choice::logprob)
                    .containsExactly(isMean ? -1.0 : -2.0, -1.5, -1.5);
            assertThat(read(p).waiting().get(0).prompt().messages())
                    .contains(says(ChatMessage.Role.ASSISTANT, chosen.chosenText()));
        }
    }

    @Test
    void aResultThatSaidNothingIsTheLeastLikelyChoice() {
        Program p = program(gen("a"), select("s", "{a}", "b"));
        results.put(0, drawn(0, "", FinishReason.LENGTH));
        assertThat(indices(read(p))).containsExactly(2);
        results.put(2, scored(-1000));
        assertThat(read(p).done().get(1).chosenText()).isEqualTo("b");
    }

    @Test
    void branchesRunBesideEachOtherAndOnlyTheirResultsStay() {
        Program p = program(
                user("q"),
                Step.Fork.of(3, List.of(gen("a"), user("more"), gen("b"))),
                new Step.Fork(List.of(List.of(gen("c")), List.of(gen("d"))), false),
                user("{a[1]} | {b[*]} | {c}{d}"),
                gen("end"));
        assertThat(p.numParts()).isEqualTo(9);
        assertThat(indices(read(p))).containsExactly(0, 2, 4);
        results.put(2, drawn(2, "a1", FinishReason.STOP));
        assertThat(indices(read(p))).containsExactly(0, 3, 4);
        for (int i = 0; i < 6; i++) {
            results.put(i, drawn(i, (i % 2 == 0 ? "a" : "b") + i / 2, FinishReason.STOP));
        }
        assertThat(indices(read(p))).containsExactly(6, 7);
        assertThat(read(p).waiting().get(0).prompt().messages()).hasSize(1); // as ahead of the fork
        results.put(7, drawn(7, "D", FinishReason.STOP));
        results.put(6, drawn(6, "C", FinishReason.STOP));
        Part end = read(p).waiting().get(0);
        assertThat(end.prompt().messages())
                .containsExactly(says(ChatMessage.Role.USER, "q"), says(ChatMessage.Role.USER, "a1 | b0\nb1\nb2 | CD"));
        assertThat(read(p).done())
                .extracting(Result::name)
                .containsExactly("a[0]", "b[0]", "a[1]", "b[1]", "a[2]", "b[2]", "c", "d");
    }

    @Test
    void roundsGoOnInOneConversationUntilAResultIsAsWanted() {
        Step loop = new Step.Repeat(
                3,
                List.of(user("again"), gen("try"), select("ok", "yes", "no")),
                new Step.Until("ok", Template.parse("yes", "")));
        Program p = program(loop, user("{try} {try[0]}"), gen("end"));
        assertThat(p.numParts()).isEqualTo(10);
        assertThat(indices(read(p))).containsExactly(0);
        results.put(0, drawn(0, "t0", FinishReason.STOP));
        results.put(1, scored(-2));
        results.put(2, scored(-1));
        assertThat(indices(read(p))).containsExactly(3);
        assertThat(read(p).waiting().get(0).prompt().messages()).hasSize(3);
        results.put(3, drawn(3, "t1", FinishReason.STOP));
        results.put(4, scored(-1));
        results.put(5, scored(-2));
        ProgramRun run = read(p);
        assertThat(indices(run)).containsExactly(9);
        assertThat(run.waiting().get(0).prompt().messages()).contains(says(ChatMessage.Role.USER, "t1 t0"));
        assertThat(run.done()).extracting(Result::name).containsExactly("try[0]", "ok[0]", "try[1]", "ok[1]");
    }

    @Test
    void aLoopMayEndWhereTwoResultsAgree() {
        Step.Until agreed = new Step.Until("a", Template.parse("{b}", ""));
        Program p = program(new Step.Repeat(3, List.of(gen("a"), gen("b")), agreed), gen("end"));
        p.check(Steps.LIMITS);
        for (int i = 0; i < 4; i++) {
            results.put(i, drawn(i, i < 2 ? "r" + i : "same", FinishReason.STOP));
        }
        assertThat(indices(read(p))).containsExactly(6);
    }

    @Test
    void numbersOfLoopsInLoopsStayApart() {
        Step inner = new Step.Repeat(2, List.of(gen("a")), null);
        Program p = program(
                new Step.Repeat(2, List.of(inner, user("{a[1]}")), null),
                user("{a} {a[0]} {a[1]} {a[0][1]} {a[1][0]}"),
                gen("end"));
        p.check(Steps.LIMITS);
        for (int i = 0; i < 4; i++) {
            results.put(i, drawn(i, "v" + i, FinishReason.STOP));
        }
        List<ChatMessage> messages = read(p).waiting().get(0).prompt().messages();
        assertThat(messages).contains(says(ChatMessage.Role.USER, "v1"), says(ChatMessage.Role.USER, "v3"));
        assertThat(messages.get(messages.size() - 1).content()).isEqualTo("v3 v1 v3 v1 v2");
        assertThat(read(p).done()).extracting(Result::name).containsExactly("a[0][0]", "a[0][1]", "a[1][0]", "a[1][1]");
    }

    @Test
    void seedsDifferByPartAndTheFirstPartsIsTheRequests() {
        Program p = program(Step.Fork.of(50, List.of(gen("a"))));
        List<Long> seeds =
                read(p).waiting().stream().map(part -> part.params().seed()).toList();
        assertThat(seeds.get(0)).isEqualTo(77);
        assertThat(seeds).doesNotHaveDuplicates();
    }

    @Test
    void nothingIsBegunBehindAPartThatWasCancelledOrLate() {
        Program p = program(Step.Fork.of(2, List.of(gen("a"), gen("b"))));
        results.put(0, drawn(0, "so far", FinishReason.DEADLINE));
        ProgramRun run = read(p);
        assertThat(run.isCutOff()).isTrue();
        assertThat(indices(run)).containsExactly(2); // runs already, and ends by itself
        assertThat(run.done()).extracting(Result::name).containsExactly("a[0]");
    }

    @Test
    void theOrderInWhichPartsEndChangesNothing() {
        Program p = program(
                user("q"),
                Step.Fork.of(4, List.of(gen("a"), user("{a}"), gen("b"))),
                new Step.Repeat(2, List.of(user("{b[*]}"), gen("c"), select("s", "x{c}", "y")), null));
        p.check(Steps.LIMITS);
        Map<Integer, Part> expected = runThrough(p, new SplittableRandom(0));
        for (int seed = 1; seed < 20; seed++) {
            Map<Integer, Part> other = runThrough(p, new SplittableRandom(seed));
            assertThat(other.keySet()).isEqualTo(expected.keySet());
            other.forEach((i, part) -> assertThat(texts(part)).isEqualTo(texts(expected.get(i))));
        }
    }

    /** Gives results in a random order; returns every part as it was asked for. */
    private Map<Integer, Part> runThrough(Program p, SplittableRandom random) {
        results.clear();
        Map<Integer, Part> asked = new TreeMap<>();
        for (List<Part> waiting = read(p).waiting(); !waiting.isEmpty(); waiting = read(p).waiting()) {
            waiting.forEach(part -> asked.put(part.index(), part));
            Part next = waiting.get(random.nextInt(waiting.size()));
            int i = next.index();
            results.put(i, next.scoring() != null ? scored(-i % 3) : drawn(i, "r" + i, FinishReason.STOP));
        }
        return asked;
    }

    private static List<String> texts(Part part) {
        List<String> texts = new ArrayList<>();
        part.prompt().messages().forEach(m -> texts.add(m.content()));
        part.prompt()
                .answer()
                .forEach(s -> texts.add(s instanceof Said.Written w ? w.text() : ((Said.Generated) s).text()));
        texts.add(part.name() + part.params().seed() + part.scoring());
        return texts;
    }

    @Test
    void textsThatGrowWithoutBoundAreRefused() {
        results.put(0, drawn(0, "x".repeat(100_000), FinishReason.LENGTH));
        Program p = program(gen("a"), user("{a}".repeat(50)), gen("b"));
        assertThatThrownBy(() -> read(p))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("more than 4,194,304 characters");
    }
}
