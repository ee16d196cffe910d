package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class ChatTemplateTest {
    private final ChatTemplate template = TinyR1.template();

    @Test
    void rendersEveryGolden() {
        List<JsonNode> lines = TinyR1.lines("goldens.jsonl");

        assertThat(lines).hasSize(52);
        for (JsonNode line : lines) {
            int[] prompt = template.render(messages(line.get("messages")));
            assertThat(prompt).as(line.get("id").textValue()).isEqualTo(TinyR1.ids(line.get("prompt_ids")));
            assertThat(template.startsInsideReasoning(prompt)).isTrue();
        }
    }

    private static List<ChatMessage> messages(JsonNode array) {
        List<ChatMessage> out = new ArrayList<>();
        for (JsonNode m : array) {
            ChatMessage.Role role =
                    ChatMessage.Role.valueOf(m.get("role").textValue().toUpperCase(Locale.ROOT));
            out.add(new ChatMessage(role, m.get("content").textValue()));
        }
        return out;
    }
}
