package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.SamplingOptions;
import io.millrace.engine.program.Program;
import io.millrace.engine.text.Tokenizer;
import io.millrace.schemas.ProgramBuilder;
import io.millrace.schemas.Prompt;
import io.millrace.schemas.PromptJson;
import io.millrace.schemas.WireException;
import io.millrace.schemas.WireLimits;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the builder writes must be read as the same program as its JSON written by hand. */
class ProgramBuilderTest {
    private static Program parse(String json) {
        return new ProgramParser(SamplingOptions.NONE, Tokenizer.ofIdsOnly(100), params -> {}, 64).parse(json);
    }

    @Test
    void writesEveryStepAsByHand() throws WireException {
        ProgramBuilder builder = new ProgramBuilder()
                .system("S")
                .user("U " + ProgramBuilder.literal("{\"a\": {}}"))
                .assistant("A ")
                .gen("a")
                .select("s", "yes", "{a}")
                .selectBySum("t", "x")
                .fork(
                        one -> one.gen(
                                "b",
                                g -> g.maxTokens(5).minTokens(1).temperature(0).stop("\n", "#")),
                        two -> two.user("2"))
                .fork(
                        3,
                        each -> each.gen(
                                "c", g -> g.topP(0.5).topK(4).minP(0.1).seed(9).ignoreEos()))
                .repeat(2, round -> round.gen("d", g -> g.guidedRegex("[0-9]+")))
                .repeatUntil(
                        4,
                        "e",
                        "{d}",
                        round -> round.gen("e", g -> g.guidedChoice("p", "q"))
                                .gen("f", g -> g.guidedJson("{\"type\":\"null\"}"))
                                .gen("g", g -> g.guidedGrammar("root ::= \"x\""))
                                .gen(
                                        "h",
                                        g -> g.field("logit_bias", Map.of("7", 1.5))
                                                .field("bad_words", List.of())));
        String byHand = """
                [{"system":"S"},{"user":"U {{\\"a\\": {{}}}}"},{"assistant":"A "},{"gen":"a"},
                 {"select":"s","from":["yes","{a}"]},{"select":"t","from":["x"],"by":"sum"},
                 {"fork":[[{"gen":"b","max_tokens":5,"min_tokens":1,"temperature":0,"stop":["\\n","#"]}],[{"user":"2"}]]},
                 {"fork":3,"do":[{"gen":"c","top_p":0.5,"top_k":4,"min_p":0.1,"seed":9,"ignore_eos":true}]},
                 {"repeat":2,"do":[{"gen":"d","guided_regex":"[0-9]+"}]},
                 {"repeat":4,"until":{"e":"{d}"},"do":[{"gen":"e","guided_choice":["p","q"]},
                   {"gen":"f","guided_json":{"type":"null"}},{"gen":"g","guided_grammar":"root ::= \\"x\\""},
                   {"gen":"h","logit_bias":{"7":1.5}}]}]
                """;
        assertThat(parse(builder.toJson())).isEqualTo(parse(byHand));

        Prompt prompt = PromptJson.decode(builder.toPrompt("q-1"), WireLimits.DEFAULT, true);
        assertThat(prompt.id()).isEqualTo("q-1");
        assertThat(prompt.form()).isEqualTo(Prompt.Form.CHAT);
        assertThat(prompt.program()).isNotNull();
        assertThat(parse(prompt.program())).isEqualTo(parse(byHand));
    }
}
