package io.millrace.job.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.engine.RejectedException;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class PromptTemplateTest {
    private static ObjectNode row(String json) throws IOException {
        return (ObjectNode) RowJson.MAPPER.readTree(json);
    }

    @Test
    void putsColumnsIn() throws IOException {
        PromptTemplate template = new PromptTemplate("{a b}: what is {n}?{n}");

        assertThat(template.render(row("{\"a b\":\"Q\",\"n\":1.50}"))).isEqualTo("Q: what is 1.50?1.50");
    }

    @Test
    void aValueIsNoTemplateAndDoubledBracesAreBraces() throws IOException {
        PromptTemplate template = new PromptTemplate("\\boxed{{{x}}} {{y}}");

        assertThat(template.render(row("{\"x\":\"{y}\",\"y\":1}"))).isEqualTo("\\boxed{{y}} {y}");
    }

    @Test
    void whatIsNoStringIsJson() throws IOException {
        assertThat(new PromptTemplate("{a}{b}").render(row("{\"a\":[1,\"x\"],\"b\":{\"c\":true}}")))
                .isEqualTo("[1,\"x\"]{\"c\":true}");
    }

    @Test
    void aMissingColumnRejectsTheRowAndNamesWhatItHas() {
        PromptTemplate template = new PromptTemplate("{q}");

        assertThatThrownBy(() -> template.render(row("{\"question\":1,\"a\":2}")))
                .isInstanceOf(RejectedException.class)
                .hasMessage("column \"q\" of --prompt-template is missing: the row has [a, question]");
        assertThatThrownBy(() -> template.render(row("{\"q\":null}")))
                .isInstanceOf(RejectedException.class)
                .hasMessage("column \"q\" of --prompt-template is null: the row has [q]");
    }

    @Test
    void aLoneBraceIsRefused() {
        assertThatThrownBy(() -> new PromptTemplate("ab{c"))
                .isInstanceOf(ConfigException.class)
                .hasMessage("--prompt-template, character 3: { isn't followed by a column and };"
                        + " write {column} for a value, {{ or }} for a brace");
        assertThatThrownBy(() -> new PromptTemplate("a}")).hasMessageContaining("character 2: } closes nothing");
        assertThatThrownBy(() -> new PromptTemplate("{}")).hasMessageContaining("character 1: {");
    }
}
