package io.millrace.job.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ChatMessage;
import io.millrace.engine.ConfigException;
import io.millrace.engine.PromptInput;
import io.millrace.engine.RejectedException;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ColumnsTest {
    private static Row row(String json) throws IOException {
        return new Row(7, "a/b.jsonl", 8, (ObjectNode) RowJson.MAPPER.readTree(json), null);
    }

    @Test
    void mapsPromptAnswerAndId() throws IOException {
        Question q = new Columns(null, "q", "a", "key").question(row("{\"key\":5,\"q\":\"1+1?\",\"a\":2}"));

        assertThat(q.id()).isEqualTo("5");
        assertThat(q.answer()).isEqualTo("2");
        assertThat(q.prompt()).isEqualTo("1+1?");
        assertThat(q.input()).isEqualTo(new PromptInput.Chat(List.of(new ChatMessage(ChatMessage.Role.USER, "1+1?"))));
    }

    @Test
    void withoutAnIdTheRowIsCalledByItsPlace() throws IOException {
        Question q = new Columns(new PromptTemplate("{q}!"), null, null, null).question(row("{\"q\":\"x\"}"));

        assertThat(q.id()).isEqualTo("a/b.jsonl:8");
        assertThat(q.prompt()).isEqualTo("x!");
        assertThat(q.answer()).isNull();
    }

    @Test
    void withoutAPromptTheColumnMessagesIsTheConversation() throws IOException {
        Question q = new Columns(null, null, null, null)
                .question(
                        row(
                                "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"u\"}]}"));

        assertThat(((PromptInput.Chat) q.input()).messages())
                .containsExactly(
                        new ChatMessage(ChatMessage.Role.SYSTEM, "s"), new ChatMessage(ChatMessage.Role.USER, "u"));
        assertThat(q.prompt()).isEqualTo("u");
    }

    @Test
    void whatIsMissingRejectsTheRow() {
        Columns messages = new Columns(null, null, null, null);
        assertThatThrownBy(() -> messages.question(row("{\"prompt\":\"x\"}")))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("give --prompt-template or --prompt-column");
        assertThatThrownBy(() -> messages.question(row("{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}")))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("role \"tool\" but it must be system, user or assistant");
        assertThatThrownBy(() -> new Columns(null, "q", "a", null).question(row("{\"q\":\"x\"}")))
                .isInstanceOf(RejectedException.class)
                .hasMessage("column \"a\" of --answer-column is missing: the row has [q]");
        assertThatThrownBy(() -> messages.question(new Row(0, "f", 1, null, "row is no JSON object")))
                .isInstanceOf(RejectedException.class)
                .hasMessage("row is no JSON object");
    }

    @Test
    void twoPromptsAreRefused() {
        assertThatThrownBy(() -> new Columns(new PromptTemplate("x"), "q", null, null))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("give one of them");
    }
}
