package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.program.Part;
import io.millrace.engine.program.PartResult;
import io.millrace.engine.program.Program;
import io.millrace.engine.program.ProgramLimits;
import io.millrace.engine.program.ProgramRun;
import io.millrace.engine.program.Result;
import io.millrace.engine.program.Step;
import io.millrace.engine.program.Template;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Programs on the shipped model against the same requests written out by hand. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProgramIT {
    private static final String RULES = "You do sums. Write one digit after the other, from the right. ".repeat(4);
    private static final String QUESTION = "What is 14 + 71?";

    private final EngineMetrics metrics = new EngineMetrics();
    private Engine engine;

    @BeforeAll
    void open() {
        engine = Engine.open(EngineRun.config(2, 8, 128, 1024, 0, true, 1), metrics);
    }

    @AfterAll
    void close() {
        engine.close();
    }

    private static Step say(ChatMessage.Role role, String text) {
        return new Step.Say(role, Template.parse(text, "text"));
    }

    private static Step gen(String name, double temperature) {
        return new Step.Gen(name, SamplingParams.resolve(options(temperature), 0), null);
    }

    /** Thinks, and no more: what is said behind it closes the reasoning. */
    private static Step think(String name) {
        SamplingOptions options = new SamplingOptions(
                120,
                null,
                0.0,
                null,
                null,
                null,
                null,
                null,
                null,
                31L,
                null,
                List.of("</think>"),
                null,
                null,
                null,
                null);
        return new Step.Gen(name, SamplingParams.resolve(options, 0), null);
    }

    private static SamplingOptions options(double temperature) {
        return EngineRun.sampling(120, temperature, 0.95, 31L);
    }

    private static Step select(String name, String... choices) {
        List<Template> from = new ArrayList<>();
        for (String choice : choices) {
            from.add(Template.parse(choice, "from"));
        }
        return new Step.Select(name, from, false);
    }

    /** Runs a program to its end, its parts as they become ready; returns the parts' results. */
    private Map<Integer, PartResult> run(Program program, List<Result> done) {
        program.check(new ProgramLimits(100, 10_000, 1024));
        EngineRequest whole = EngineRun.request("p", new PromptInput.Turn(List.of(), List.of()), options(0));
        Map<Integer, PartResult> results = new HashMap<>();
        for (ProgramRun run = ProgramRun.of(program, results::get);
                !run.waiting().isEmpty();
                run = ProgramRun.of(program, results::get)) {
            Map<Integer, EngineRun.Outcome> outcomes = new LinkedHashMap<>();
            for (Part part : run.waiting()) {
                EngineRun.Outcome outcome = new EngineRun.Outcome();
                outcomes.put(part.index(), outcome);
                engine.submit(part.request(whole, null), outcome);
            }
            while (engine.step()) {
                engine.checkPages();
            }
            outcomes.forEach((i, o) -> {
                assertThat(o.rejected).isNull();
                results.put(i, new PartResult(o.finished.get(0), o.scores == null ? List.of() : o.scores));
            });
        }
        done.addAll(ProgramRun.of(program, results::get).done());
        return results;
    }

    private EngineEvent.Finished byHand(long seed, double temperature, ChatMessage... messages) {
        SamplingParams params = SamplingParams.resolve(options(temperature), 0).withSeed(seed);
        EngineRequest request = new EngineRequest("h", new PromptInput.Chat(List.of(messages)), params, 0, null);
        return EngineRun.run(engine, List.of(request)).get("h").finished.get(0);
    }

    @Test
    void everyPartIsWhatItIsByHandAndPrefixesAreComputedOnce() {
        Program program = new Program(List.of(
                say(ChatMessage.Role.SYSTEM, RULES),
                Step.Fork.of(4, List.of(say(ChatMessage.Role.USER, QUESTION), gen("try", 0.9))),
                say(ChatMessage.Role.USER, QUESTION),
                think("work"),
                select("best", "The answer is \\boxed{{85}}.", "The answer is \\boxed{{58}}.", "{try[3]}"),
                say(ChatMessage.Role.USER, "Add 42 and 4."),
                gen("next", 0)));
        List<Result> done = new ArrayList<>();
        long hits = metrics.prefixCacheHits.sum();
        Map<Integer, PartResult> results = run(program, done);
        hits = metrics.prefixCacheHits.sum() - hits;

        ChatMessage rules = new ChatMessage(ChatMessage.Role.SYSTEM, RULES);
        ChatMessage question = new ChatMessage(ChatMessage.Role.USER, QUESTION);
        int promptTokens = 0;
        for (int i = 0; i < 4; i++) {
            EngineEvent.Finished tried = results.get(i).finished();
            EngineEvent.Finished byHand = byHand(done.get(i).seed(), 0.9, rules, question);
            assertThat(tried.tokenIds()).isEqualTo(byHand.tokenIds());
            assertThat(tried.stats().promptTokenIds()).isEqualTo(byHand.stats().promptTokenIds());
            promptTokens = tried.stats().promptTokenIds().length;
        }
        Result best = done.get(5);
        ChatMessage said = new ChatMessage(ChatMessage.Role.ASSISTANT, best.chosenText());
        ChatMessage add = new ChatMessage(ChatMessage.Role.USER, "Add 42 and 4.");
        assertThat(results.get(8).finished().tokenIds())
                .isEqualTo(byHand(done.get(6).seed(), 0, rules, question, said, add)
                        .tokenIds());

        // Three of four tries, the thought, three choices and the last gen begin behind the full pages that the first
        // try has
        // filled.
        int shared = promptTokens / 64 * 64;
        assertThat(shared).isGreaterThanOrEqualTo(64);
        assertThat(hits).isGreaterThanOrEqualTo(8L * shared);
    }

    @Test
    void choicesAreJudgedByTheirTokensInThePromptThatEndsBehindThem() {
        Program program = new Program(List.of(
                say(ChatMessage.Role.USER, QUESTION),
                say(ChatMessage.Role.ASSISTANT, "It is "),
                select("s", "85", "58")));
        List<Result> done = new ArrayList<>();
        Map<Integer, PartResult> results = run(program, done);
        for (int i = 0; i < 2; i++) {
            int[] ids = results.get(i).finished().stats().promptTokenIds();
            EngineRequest prompt = new EngineRequest(
                    "h",
                    new PromptInput.Tokens(ids),
                    SamplingParams.resolve(EngineRun.sampling(1, 0.0, null, 1L), 0),
                    ServiceTerms.ofPriority(0),
                    null,
                    null,
                    new Scoring(null, 0));
            List<TokenLogprobs> scores = EngineRun.run(engine, List.of(prompt)).get("h").scores;
            double sum = 0;
            for (TokenLogprobs t : scores.subList(scores.size() - 2, scores.size())) {
                sum += t.logprobs()[0]; // digits are single tokens
            }
            assertThat(done.get(0).choices().get(i).logprob()).isEqualTo(sum);
            assertThat(engine.model().tokenizer().decode(ids)).endsWith("</think>\n\nIt is " + (i == 0 ? "85" : "58"));
        }
        boolean isFirst = done.get(0).choices().get(0).logprob()
                >= done.get(0).choices().get(1).logprob();
        assertThat(done.get(0).chosenText()).isEqualTo(isFirst ? "85" : "58");
    }

    @Test
    void whoThinksFirstChoosesRight() {
        Program program = new Program(List.of(
                say(ChatMessage.Role.USER, QUESTION),
                think("work"),
                select("best", "The answer is \\boxed{{58}}.", "The answer is \\boxed{{85}}.")));
        List<Result> done = new ArrayList<>();
        Map<Integer, PartResult> results = run(program, done);
        assertThat(results.get(0).finished().reasoning()).endsWith("Sum 085");
        Result best = done.get(1);
        assertThat(best.chosenText()).isEqualTo("The answer is \\boxed{85}.");
        assertThat(best.choices().get(1).logprob())
                .isGreaterThan(-1)
                .isGreaterThan(best.choices().get(0).logprob() + 3);
    }
}
