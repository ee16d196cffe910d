package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ChatMessage;
import io.millrace.engine.ChatMessage.Role;
import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
    private static final int BOS = 0;
    private static final int EOS = 1;
    private static final int THINK = 487;
    private static final int END_THINK = 488;
    private static final int USER = 492;
    private static final int ASSISTANT = 493;

    /** The parts that tell the shapes apart, written as the models' files have them. */
    private static final String SYSTEM = "{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}";

    private static final String CUT =
            "{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}";
    private static final String USER_FIRST = "{{'<｜User｜>' + message['content']}}";
    private static final String ANSWER = "{{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}{%- endfor -%}";
    private static final String END = "{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜>'}}{% endif %}";
    private static final String END_THINKING =
            "{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜><think>\\n'}}{% endif %}";
    private static final String V3 = SYSTEM + USER_FIRST + ANSWER + END;
    private static final String R1 = SYSTEM + USER_FIRST + CUT + ANSWER + END_THINKING;
    private static final String R1_0528 = SYSTEM
            + "{{'<｜User｜>' + message['content'] + '<｜Assistant｜>'}}" + CUT
            + "{{content + '<｜end▁of▁sentence｜>'}}{%- endfor -%}"
            + "{% if add_generation_prompt and not ns.is_last_user and not ns.is_tool %}{{'<｜Assistant｜>'}}{% endif %}";

    private static final List<ChatMessage> TWO_TURNS = List.of(
            new ChatMessage(Role.USER, "a"),
            new ChatMessage(Role.ASSISTANT, "x</think>b"),
            new ChatMessage(Role.SYSTEM, "s"),
            new ChatMessage(Role.USER, "c"),
            new ChatMessage(Role.USER, "d"));

    @TempDir
    Path folder;

    private final Tokenizer tokenizer = TinyR1.tokenizer();
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
            Role role = Role.valueOf(m.get("role").textValue().toUpperCase(Locale.ROOT));
            out.add(new ChatMessage(role, m.get("content").textValue()));
        }
        return out;
    }

    @Test
    void noContentForgesStructure() {
        StringBuilder all = new StringBuilder();
        for (int id = 0; id < tokenizer.numTokens(); id++) {
            if (tokenizer.isAdded(id)) {
                all.append(new String(tokenizer.tokenBytes(id), StandardCharsets.UTF_8));
            }
        }
        int[] honest = template.render(List.of(
                new ChatMessage(Role.SYSTEM, "x"),
                new ChatMessage(Role.USER, "x"),
                new ChatMessage(Role.ASSISTANT, "x")));
        int[] forged = template.render(List.of(
                new ChatMessage(Role.SYSTEM, all.toString()),
                new ChatMessage(Role.USER, all.toString()),
                new ChatMessage(Role.ASSISTANT, all.toString())));

        assertThat(added(forged)).isEqualTo(added(honest));
    }

    private int[] added(int[] ids) {
        return Arrays.stream(ids).filter(tokenizer::isAdded).toArray();
    }

    @Test
    void rendersR1() throws IOException {
        assertThat(of(R1).render(TWO_TURNS))
                .isEqualTo(ids(BOS, "s", USER, "a", ASSISTANT, "b", EOS, USER, "c", USER, "d", ASSISTANT, THINK, "\n"));
    }

    @Test
    void rendersV3WhichKeepsThoughtsAndOpensNone() throws IOException {
        int[] prompt = of(V3).render(TWO_TURNS);

        assertThat(prompt)
                .isEqualTo(ids(BOS, "s", USER, "a", ASSISTANT, "x</think>b", EOS, USER, "c", USER, "d", ASSISTANT));
        assertThat(of(V3).startsInsideReasoning(prompt)).isFalse();
    }

    @Test
    void rendersR10528WhoseUserTurnsOpenTheAnswer() throws IOException {
        ChatTemplate other = of(R1_0528);

        assertThat(other.render(TWO_TURNS))
                .isEqualTo(ids(BOS, "s", USER, "a", ASSISTANT, "b", EOS, USER, "c", ASSISTANT, USER, "d", ASSISTANT));
        assertThat(other.render(TWO_TURNS.subList(0, 2)))
                .isEqualTo(ids(BOS, USER, "a", ASSISTANT, "b", EOS, ASSISTANT));
    }

    @Test
    void blanksThatJinjaDropsSayNothing() throws IOException {
        String spaced = R1.replace("{%", "  {%")
                        .replace("%}", "%}\n")
                        .replace("{{", "{{- ")
                        .replace("}}", "  -}}\n ")
                + "\n";

        assertThat(of(spaced).render(TWO_TURNS)).isEqualTo(of(R1).render(TWO_TURNS));
    }

    private int[] ids(Object... parts) {
        return Arrays.stream(parts)
                .flatMapToInt(p -> p instanceof Integer id
                        ? Arrays.stream(new int[] {id})
                        : Arrays.stream(tokenizer.encode((String) p, false)))
                .toArray();
    }

    private ChatTemplate of(String chatTemplate) throws IOException {
        Path file = folder.resolve("tokenizer_config.json");
        ObjectNode config = TinyR1.MAPPER.createObjectNode();
        config.put("bos_token", "<｜begin▁of▁sentence｜>").put("chat_template", chatTemplate);
        config.putObject("eos_token").put("content", "<｜end▁of▁sentence｜>");
        Files.writeString(file, config.toString(), StandardCharsets.UTF_8);
        return ChatTemplate.of(tokenizer, file);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{{ messages }}",
                SYSTEM + USER_FIRST + "\n{% if a %}{% endif %}" + ANSWER + END, // a newline behind the user's text
                SYSTEM + "Answer in English." + USER_FIRST + ANSWER + END,
                SYSTEM + USER_FIRST + ANSWER, // no generation prompt
                SYSTEM + USER_FIRST + "{{'<｜Assistant｜>' + content}}" + END, // no end of sentence
                "{{ns.system_prompt}}" + USER_FIRST + ANSWER + END, // no begin of sentence
                SYSTEM + "{{'<|User|>' + message['content']}}" + ANSWER + END, // ASCII bars
                SYSTEM + USER_FIRST + ANSWER + "{% if add_generation_prompt %}{{'<｜Assistant｜>\\n'}}{% endif %}",
                SYSTEM + USER_FIRST + ANSWER
                        + "{% if add_generation_prompt %}{{'<｜Assistant｜>'}}{% if thinking %}{{'<think>'}}{% endif %}{% endif %}", // V3.1
            })
    void refusesOtherTemplates(String chatTemplate) {
        assertThatThrownBy(() -> of(chatTemplate))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(folder.resolve("tokenizer_config.json") + ": chat_template isn't one of")
                .hasMessageContaining("DeepSeek-V3, R1 or R1-0528");
    }

    @Test
    void refusesATokenizerOfAnotherModel() throws IOException {
        Path file = folder.resolve("tokenizer.json");
        ObjectNode json =
                (ObjectNode) TinyR1.MAPPER.readTree(Files.readString(TinyR1.TOKENIZER_JSON, StandardCharsets.UTF_8));
        ((ArrayNode) json.get("added_tokens")).remove(4);
        Files.writeString(file, json.toString(), StandardCharsets.UTF_8);
        Tokenizer withoutEndThink = Tokenizer.load(file);

        assertThatThrownBy(() -> ChatTemplate.of(withoutEndThink, TinyR1.TOKENIZER_CONFIG_JSON))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("needs the token \"</think>\", which tokenizer.json doesn't add");
    }

    @Test
    void refusesAConfigWithoutEndToken() throws IOException {
        Path file = folder.resolve("tokenizer_config.json");
        ObjectNode config = TinyR1.MAPPER.createObjectNode();
        config.put("bos_token", "<｜begin▁of▁sentence｜>").put("chat_template", R1);
        Files.writeString(file, config.toString(), StandardCharsets.UTF_8);

        assertThatThrownBy(() -> ChatTemplate.of(tokenizer, file)).hasMessageContaining("has no eos_token");
    }

    @Test
    void aRawPromptHasOneBeginOfSentence() {
        String bos = "<｜begin▁of▁sentence｜>";

        assertThat(template.raw("a", true)).isEqualTo(ids(BOS, "a"));
        assertThat(template.raw(bos + bos + "a", true)).isEqualTo(ids(BOS, "a"));
        assertThat(template.raw(bos + "a", false)).isEqualTo(ids(BOS, bos + "a"));
        assertThat(template.raw("", true)).isEqualTo(ids(BOS));
    }

    @Test
    void anOpenThoughtIsSeenInThePrompt() {
        assertThat(template.startsInsideReasoning(ids(BOS, "a", THINK, "b"))).isTrue();
        assertThat(template.startsInsideReasoning(ids(BOS, "a", THINK, "b", END_THINK, "c")))
                .isFalse();
        assertThat(template.startsInsideReasoning(ids(BOS, THINK, USER, "a", ASSISTANT)))
                .isFalse();
        assertThat(template.startsInsideReasoning(template.raw("<think>", false)))
                .isFalse();
        assertThat(template.startsInsideReasoning(new int[0])).isFalse();
    }
}
