package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ChatMessage;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.program.Program;
import io.millrace.engine.program.Step;
import io.millrace.engine.program.Template;
import io.millrace.engine.structure.Structure;
import io.millrace.engine.text.Tokenizer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgramParserTest {
    private static final SamplingOptions DEFAULTS =
            new SamplingOptions(40, null, 0.6, null, null, null, null, null, null, 9L, 1, null, null, null, null, -1);

    private static Program parse(String json) {
        return new ProgramParser(DEFAULTS, Tokenizer.ofIdsOnly(100), params -> {}, 64).parse(json.replace('\'', '"'));
    }

    private static Step.Say say(ChatMessage.Role role, String text) {
        return new Step.Say(role, Template.parse(text, ""));
    }

    @Test
    void readsEveryStep() {
        Program p = parse("[{'system':'S'},{'user':'U'},{'assistant':'A '},{'gen':'a'},{'user':'{a}?'},"
                + "{'select':'s','from':['yes','{a}'],'by':'sum'},"
                + "{'fork':[[{'gen':'b'}],[{'gen':'c'}]]},{'fork':3,'do':[{'gen':'d'}]},"
                + "{'repeat':2,'do':[{'gen':'e'}],'until':{'e':'x'}},{'repeat':4,'do':[{'gen':'f'}]}]");
        assertThat(p.steps().subList(0, 3))
                .containsExactly(
                        say(ChatMessage.Role.SYSTEM, "S"),
                        say(ChatMessage.Role.USER, "U"),
                        say(ChatMessage.Role.ASSISTANT, "A "));
        SamplingParams params = SamplingParams.resolve(DEFAULTS, 0);
        assertThat(p.steps().get(3)).isEqualTo(new Step.Gen("a", params, null));
        assertThat(p.steps().get(5))
                .isEqualTo(new Step.Select("s", List.of(Template.parse("yes", ""), Template.parse("{a}", "")), false));
        assertThat(p.steps().get(6))
                .isEqualTo(new Step.Fork(
                        List.of(List.of(new Step.Gen("b", params, null)), List.of(new Step.Gen("c", params, null))),
                        false));
        assertThat(p.steps().get(7)).isEqualTo(Step.Fork.of(3, List.of(new Step.Gen("d", params, null))));
        assertThat(p.steps().get(8))
                .isEqualTo(new Step.Repeat(
                        2, List.of(new Step.Gen("e", params, null)), new Step.Until("e", Template.parse("x", ""))));
        assertThat(p.steps().get(9)).isEqualTo(new Step.Repeat(4, List.of(new Step.Gen("f", params, null)), null));
    }

    @Test
    void aGenHasItsOwnSamplingAndStructure() {
        Step.Gen gen = (Step.Gen) parse("[{'max_tokens':5,'gen':'g','temperature':0,'stop':['\\n'],'seed':3,"
                        + "'guided_choice':['a','b']}]")
                .steps()
                .get(0);
        assertThat(gen.params().maxTokens()).isEqualTo(5);
        assertThat(gen.params().isGreedy()).isTrue();
        assertThat(gen.params().stop()).containsExactly("\n");
        assertThat(gen.params().seed()).isEqualTo(3);
        assertThat(gen.structure()).isEqualTo(new Structure(Structure.Kind.CHOICE, "", List.of("a", "b")));
    }

    @Test
    void braceOfJsonIsDoubled() {
        assertThat(parse("[{'user':'a {{\\u0022b\\u0022}} c'},{'gen':'g'}]")
                        .steps()
                        .get(0))
                .isEqualTo(new Step.Say(
                        ChatMessage.Role.USER, new Template(List.of(new Template.Piece.Literal("a {\"b\"} c")))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[] | program: is [] but must be an array of steps, at least one",
                "[3] | program[0]: is 3 but must be an object",
                "[{'usr':'x'}] | program[0]: is {'usr':'x'} but must have one of system, user, assistant, gen, select",
                "[{'user':1}] | program[0].user: is 1 but must be a string",
                "[{'user':'x','gen':'g'}] | program[0]: has 'gen', which doesn't belong to this step: remove it",
                "[{'gen':'1a'}] | program[0].gen: is '1a' but a name has 1 to 64 letters, digits and _",
                "[{'gen':'g','n':2}] | program[0]: has 'n', which is no field of a gen: remove it",
                "[{'gen':'g','temperature':-1}] | program[0]: temperature is -1.0 but must be from 0.0 to 100.0",
                "[{'gen':'g','top_p':'x'}] | program[0]: top_p: 'x' is a string, must be a number",
                "[{'gen':'g','max_tokens':0}] | program[0]: max_tokens is 0 but must be at least 1",
                "[{'select':'s'}] | program[0].from: is missing but must be an array of texts, at least one",
                "[{'select':'s','from':['']}] | program[0].from[0]: is '' but must be a text that isn't empty",
                "[{'select':'s','from':['a'],'by':'max'}] | program[0].by: is 'max' but must be mean (per token) or sum",
                "[{'fork':[]}] | program[0].fork: is [] but must have at least one branch",
                "[{'fork':[[]]}] | program[0].fork[0]: is [] but must be an array of steps, at least one",
                "[{'fork':2}] | program[0].do: is missing but must be an array of steps, at least one",
                "[{'fork':65,'do':[{'gen':'g'}]}] | program[0].fork: is 65 but must be from 1 to 64, which is max-program-st",
                "[{'fork':1.5,'do':[{'gen':'g'}]}] | program[0].fork: is 1.5 but must be from 1 to 64",
                "[{'repeat':0,'do':[{'gen':'g'}]}] | program[0].repeat: is 0 but must be from 1 to 64",
                "[{'repeat':99999999999,'do':[{'gen':'g'}]}] | program[0].repeat: is 99999999999 but must be from 1 to 64",
                "[{'repeat':2,'do':[{'user':'}'}]}] | program[0].do[0].user: '}' at character 0 is no {name}",
                "[{'repeat':2,'do':[{'gen':'g'}],'until':'x'}] | program[0].until: is 'x' but must be {'NAME': 'TEXT'}",
                "[{'user':'x'} | program: is not valid JSON",
                "[{'user':'x','user':'y'}] | program: is not valid JSON: Duplicate",
            })
    void saysWhatIsWrongAndWhere(String json, String message) {
        assertThatThrownBy(() -> parse(json))
                .isInstanceOfSatisfying(
                        RejectedException.class, e -> assertThat(e.stage()).isEqualTo(Stage.VALIDATE))
                .hasMessageStartingWith(message.replace('\'', '"')
                        .replace("doesn\"t", "doesn't")
                        .replace("isn\"t", "isn't"));
    }
}
