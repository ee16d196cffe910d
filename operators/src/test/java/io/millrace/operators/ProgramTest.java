package io.millrace.operators;

import static io.millrace.operators.TestRecords.comparable;
import static io.millrace.operators.TestRecords.header;
import static io.millrace.operators.TestRecords.json;
import static io.millrace.operators.TestRecords.record;
import static io.millrace.operators.TestRecords.settings;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.PromptInput;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Programs through the operator, over an engine whose every token can be said beforehand. */
class ProgramTest {
    private static final BatchSettings SETTINGS = settings(100, 1 << 20);
    private static final String PROGRAM = "[{'user':'q'},{'fork':3,'do':[{'gen':'a','max_tokens':6}]},"
            + "{'user':'{a[*]}'},{'select':'s','from':['one','two']},{'repeat':2,'do':[{'user':'{s}'},{'gen':'b','max_tokens':4}]}]";

    private final FakeEngine engine = new FakeEngine("hash-1");

    private static WireRecord program(long offset, String steps, String fields) {
        return record(offset, ("{'id':'p','seed':5,'program':" + steps + fields + "}").replace('\'', '"'));
    }

    private static WireRecord undisturbed() throws Exception {
        FakeEngine engine = new FakeEngine("hash-1");
        try (OperatorHarness harness = new OperatorHarness(engine, SETTINGS).open()) {
            harness.send(program(0, PROGRAM, ""));
            harness.steps(engine, 40);
            assertThat(harness.deadLetters()).isEmpty();
            assertThat(harness.completions()).hasSize(1);
            return harness.completions().get(0);
        }
    }

    @Test
    void everyResultIsThereByItsName() throws Exception {
        JsonNode completion = json(undisturbed());
        JsonNode results = completion.get("results");
        List<String> names = new ArrayList<>();
        results.fieldNames().forEachRemaining(names::add);
        assertThat(names).containsExactly("a[0]", "a[1]", "a[2]", "s", "b[0]", "b[1]");
        Set<Long> seeds = new HashSet<>();
        int tokens = 0;
        for (String name : List.of("a[0]", "a[1]", "a[2]", "b[0]", "b[1]")) {
            JsonNode result = results.get(name);
            long seed = result.get("seed").asLong();
            int max = name.startsWith("a") ? 6 : 4;
            assertThat(result.get("text").asText()).isEqualTo(FakeEngine.text(FakeEngine.tokens("p", seed, 0, max)));
            assertThat(result.get("finish_reason").asText()).isEqualTo("length");
            tokens += result.get("completion_tokens").asInt();
            seeds.add(seed);
        }
        assertThat(seeds).hasSize(5).contains(5L); // the first part draws with the request's own
        JsonNode candidates = results.get("s").get("candidates");
        assertThat(candidates).hasSize(2);
        assertThat(candidates.get(0).get("logprob").asDouble())
                .isEqualTo(FakeEngine.scores("one").stream()
                        .mapToDouble(t -> t.logprobs()[0])
                        .average()
                        .orElseThrow());
        boolean isFirst = candidates.get(0).get("logprob").asDouble()
                >= candidates.get(1).get("logprob").asDouble();
        assertThat(results.get("s").get("text").asText()).isEqualTo(isFirst ? "one" : "two");
        assertThat(completion.at("/choices/0/message/content"))
                .isEqualTo(results.get("b[1]").get("text"));
        assertThat(completion.get("finish_reason").asText()).isEqualTo("length");
        assertThat(completion.at("/usage/completion_tokens").asInt())
                .isEqualTo(tokens)
                .isEqualTo(26);
        assertThat(completion.at("/usage/prompt_tokens").asInt()).isEqualTo(7 * FakeEngine.PROMPT_IDS.length);
    }

    @Test
    void aCutAnywhereChangesNothingAndNoTokenIsMadeTwice() throws Exception {
        String expected = comparable(undisturbed());
        for (int cut = 0; cut <= 16; cut++) {
            FakeEngine first = new FakeEngine("hash-1");
            FakeEngine second = new FakeEngine("hash-1");
            OperatorSubtaskState state;
            int drawnBefore;
            int scoredBefore;
            try (OperatorHarness harness = new OperatorHarness(first, SETTINGS).open()) {
                harness.send(program(0, PROGRAM, ""));
                harness.steps(first, cut);
                state = harness.checkpoint(1);
                drawnBefore = first.drawn.get();
                scoredBefore = first.scored.get();
                if (!harness.completions().isEmpty()) {
                    assertThat(cut).isGreaterThan(10);
                    return;
                }
                harness.steps(first, 2); // lost
            }
            try (OperatorHarness harness = new OperatorHarness(() -> second, SETTINGS, 1, 0)) {
                harness.restore(state);
                harness.runMails();
                harness.steps(second, 40);
                assertThat(harness.completions()).as("cut at %s", cut).hasSize(1);
                assertThat(comparable(harness.completions().get(0)))
                        .as("cut at %s", cut)
                        .isEqualTo(expected);
            }
            assertThat(drawnBefore + second.drawn.get()).isEqualTo(26);
            assertThat(scoredBefore + second.scored.get()).isEqualTo(2);
        }
        throw new AssertionError("no cut came behind the end");
    }

    @Test
    void partsAskForTheConversationSoFar() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, SETTINGS).open()) {
            harness.send(program(0, PROGRAM, ""));
            assertThat(engine.received)
                    .hasSize(3)
                    .allSatisfy(r -> assertThat(r.keptTokens()).isNull());
            harness.steps(engine, 40);
        }
        EngineRequest last = engine.received.get(engine.received.size() - 1);
        assertThat(engine.received).hasSize(7);
        assertThat(last.keptTokens()).as("let in already").isNotNull();
        PromptInput.Turn turn = (PromptInput.Turn) last.prompt();
        assertThat(turn.messages()).hasSize(6); // q, all answers, the choice, s, b[0], s
        assertThat(turn.messages().get(1).content().lines()).hasSize(3);
    }

    @Test
    void aDeadlineEndsItWithWhatThereIs() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, SETTINGS).open()) {
            harness.flink.setProcessingTime(1_700_000_000_010L); // ten milliseconds behind the record's time
            harness.send(program(0, PROGRAM, ",'deadline_ms':1"));
            harness.steps(engine, 40);
            JsonNode completion = json(harness.completions().get(0));
            assertThat(completion.get("finish_reason").asText()).isEqualTo("deadline");
            assertThat(engine.received).as("nothing further was begun").hasSize(3);
            assertThat(completion.at("/results/a[0]/finish_reason").asText()).isEqualTo("deadline");
            assertThat(completion.get("results")).hasSize(3);
        }
    }

    @Test
    void onePartThatCantBeAnsweredMakesOneDeadLetter() throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, SETTINGS).open()) {
            harness.send(program(0, PROGRAM, ""));
            harness.steps(engine, 2);
            engine.reject("p", new RejectedException(Stage.DECODE_STEP, true, "bad luck"));
            harness.runMails();
            harness.steps(engine, 5);
            assertThat(harness.completions()).isEmpty();
            assertThat(harness.deadLetters()).hasSize(1);
            WireRecord letter = harness.deadLetters().get(0);
            assertThat(header(letter, "__llm.errors.message")).isEqualTo("program, result a[0]: bad luck");
            assertThat(header(letter, "__llm.errors.retriable")).isEqualTo("true");
            assertThat(engine.abandoned.get()).isGreaterThanOrEqualTo(2);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[{'fork':2,'do':[{'gen':'g','max_tokens':100000}]}] | validate | program may make 200,000 tokens but the limit is 131,072",
                "[{'repeat':200,'do':[{'user':'x'},{'gen':'g'}]}] | validate | program has more than 256 steps",
                "[{'gen':'g'}],'messages':[{'role':'user','content':'x'}] | decode | program: is given beside messages",
                "[{'gen':'g'}],'n':2 | decode | n: doesn't go with program",
                "[{'gen':'g'}],'stream':true | decode | stream: doesn't go with program",
                "{'gen':'g'} | decode | program: is an object, must be an array",
                "[{'gen':'g','stop_token_ids':[1000]}] | validate | program[0]: stop_token_ids has token id 1000",
            })
    void aWrongProgramIsADeadLetter(String steps, String stage, String message) throws Exception {
        try (OperatorHarness harness = new OperatorHarness(engine, SETTINGS).open()) {
            harness.send(program(0, steps, ""));
            harness.runMails();
            assertThat(harness.deadLetters()).hasSize(1);
            WireRecord letter = harness.deadLetters().get(0);
            assertThat(header(letter, "__llm.errors.stage")).isEqualTo(stage);
            assertThat(header(letter, "__llm.errors.message")).startsWith(message);
        }
    }

    /** A neighbour of programs: the same scores, asked for by a plain prompt. */
    @Test
    void promptLogprobsComeAgainAfterAFailure() throws Exception {
        FakeEngine second = new FakeEngine("hash-1");
        OperatorSubtaskState state;
        try (OperatorHarness harness = new OperatorHarness(engine, SETTINGS).open()) {
            harness.send(TestRecords.prompt("q", 0, ",\"max_tokens\":6,\"prompt_logprobs\":0"));
            harness.send(TestRecords.prompt("r", 1, ",\"prompt_logprobs\":21"));
            harness.runMails();
            assertThat(header(harness.deadLetters().get(0), "__llm.errors.message"))
                    .isEqualTo("prompt_logprobs is 21 but must be from 0 to 20");
            harness.steps(engine, 3);
            state = harness.checkpoint(1);
        }
        try (OperatorHarness harness = new OperatorHarness(() -> second, SETTINGS, 1, 0)) {
            harness.restore(state);
            harness.steps(second, 10);
            JsonNode logprobs = json(harness.completions().get(0)).get("prompt_logprobs");
            assertThat(logprobs).hasSize(3);
            assertThat(logprobs.get(0).isNull()).isTrue();
            assertThat(logprobs.get(2).get("token_id").asInt()).isEqualTo('b');
            assertThat(logprobs.get(2).get("logprob").asDouble())
                    .isEqualTo(FakeEngine.scores("b").get(0).logprobs()[0]);
        }
    }
}
