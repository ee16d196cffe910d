package io.millrace.schemas;

import static io.millrace.schemas.PromptJsonTest.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CompletionJsonTest {
    private static final String SMALL_TAIL = "\"finish_reason\":\"cancelled\","
            + "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":0,\"total_tokens\":1,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}},"
            + "\"provenance\":{\"model\":\"m\",\"model_hash\":\"h\",\"engine_version\":\"v\",\"backend\":\"cuda\","
            + "\"plan\":\"tp8\",\"seed\":0,\"sampling\":{},\"ttft_ms\":null,\"total_ms\":1.0,\"draft_tokens\":0,"
            + "\"accepted_tokens\":0,\"resumed\":0,\"source\":\"s\"}}";

    private static final String SMALL_CHAT = "{\"id\":\"llm.prompts-0-7\",\"object\":\"chat.completion\",\"created\":0,"
            + "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null,"
            + "\"reasoning_content\":null},\"finish_reason\":\"cancelled\",\"logprobs\":null}]," + SMALL_TAIL;

    private static final String FULL_CHAT = "{\"id\":\"q-1\",\"object\":\"chat.completion\",\"created\":1767225600,"
            + "\"model\":\"tiny-r1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
            + "\"content\":\"42 😀\",\"reasoning_content\":\"6·7\\tis\"},\"finish_reason\":\"stop\","
            + "\"logprobs\":{\"content\":[{\"token\":\"4\",\"token_id\":17,\"logprob\":-0.1,\"bytes\":[52],"
            + "\"top_logprobs\":[{\"token\":\"4\",\"token_id\":17,\"logprob\":-0.1,\"bytes\":[52]},"
            + "{\"token\":\"\ufffd\",\"token_id\":300,\"logprob\":-1.0E-5,\"bytes\":[240,159]}]}]},"
            + "\"token_ids\":[17,1]},"
            + "{\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"hm\"},"
            + "\"finish_reason\":\"length\",\"logprobs\":{\"content\":[]},\"token_ids\":[]}],"
            + "\"finish_reason\":\"stop\","
            + "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":2}},"
            + "\"prompt_token_ids\":[0,5,2000000000],\"user\":\"ann\",\"metadata\":{\"a\":\"2\",\"b\":\"\\\"1\\\"\"},"
            + "\"provenance\":{\"model\":\"tiny-r1\",\"model_hash\":\"sha256:ab\",\"engine_version\":\"0.1.0\","
            + "\"backend\":\"cpu\",\"plan\":\"tp1\",\"seed\":-7,\"sampling\":{\"temperature\":0.6,\"top_k\":20,"
            + "\"stop\":[\"é\\n\"],\"ignore_eos\":false,\"logit_bias\":{\"5\":1.5}},\"ttft_ms\":12.5,"
            + "\"total_ms\":100.0,\"draft_tokens\":6,\"accepted_tokens\":5,\"resumed\":1,"
            + "\"source\":\"llm.prompts-0-42\"}}";

    private static String encoded(Completion completion) {
        return new String(CompletionJson.encode(completion), StandardCharsets.UTF_8);
    }

    @Test
    void writesTheChatForm() {
        assertThat(encoded(Completions.full(Prompt.Form.CHAT))).isEqualTo(FULL_CHAT);
        assertThat(encoded(Completions.small(Prompt.Form.CHAT))).isEqualTo(SMALL_CHAT);
    }

    @Test
    void writesAnAvroPromptsAnswerInTheChatForm() {
        assertThat(encoded(Completions.full(Prompt.Form.AVRO))).isEqualTo(FULL_CHAT);
    }

    @Test
    void writesTheRawForm() {
        assertThat(encoded(Completions.small(Prompt.Form.RAW)))
                .isEqualTo("{\"id\":\"llm.prompts-0-7\",\"object\":\"text_completion\",\"created\":0,"
                        + "\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"\",\"message\":{\"role\":\"assistant\","
                        + "\"content\":null,\"reasoning_content\":null},\"finish_reason\":\"cancelled\","
                        + "\"logprobs\":null}]," + SMALL_TAIL);
        assertThat(encoded(Completions.full(Prompt.Form.RAW)))
                .contains("\"choices\":[{\"index\":0,\"text\":\"<think>6·7\\tis</think>42 😀\",\"message\":{");
    }

    @Test
    void writesTheBatchForm() {
        assertThat(encoded(Completions.full(Prompt.Form.BATCH)))
                .isEqualTo("{\"id\":\"q-1\",\"custom_id\":\"c-1\",\"response\":{\"status_code\":200,"
                        + "\"request_id\":\"q-1\",\"body\":" + FULL_CHAT + "},\"error\":null}");
    }

    @ParameterizedTest
    @CsvSource({
        "-0.1, -0.1",
        "0.0, 0.0",
        "-0.0, -0.0",
        "-1e-7, -1.0E-7",
        "-12.345679, -12.345679",
        "2e-44, 2.0E-44", // the JDK before 19 writes 1.96E-44
        "-Infinity, null",
        "NaN, null"
    })
    void logprobsAreShortestFloats(float logprob, String expected) {
        Completion small = Completions.small(Prompt.Form.CHAT);
        Completion.TokenLogprob token = new Completion.TokenLogprob("x", 1, new byte[0], logprob, List.of());
        Completion with = withChoice(small, new Completion.Choice(0, "", null, "", "stop", null, List.of(token)));

        assertThat(encoded(with)).contains("\"logprob\":" + expected + ",\"bytes\":[]");
    }

    private static Completion withChoice(Completion c, Completion.Choice choice) {
        return new Completion(
                c.form(),
                c.id(),
                c.customId(),
                c.created(),
                c.model(),
                List.of(choice),
                List.of(),
                c.usage(),
                c.promptTokenIds(),
                null,
                c.user(),
                c.metadata(),
                c.provenance());
    }

    /** Pairs of surrogates must stay characters wherever they fall in a writer's buffer. */
    @Test
    void longTextsOfPairsStayUtf8() throws WireException {
        for (int shift = 0; shift < 4; shift++) {
            String content = "x".repeat(shift) + "😀\u2028é".repeat(5_000);
            Completion with = withChoice(
                    Completions.small(Prompt.Form.CHAT),
                    new Completion.Choice(0, content, null, content, "stop", null, null));

            assertThat(encoded(with)).contains("\"content\":\"" + content + "\"");
            Completions.assertSame(CompletionJson.decode(CompletionJson.encode(with)), with);
        }
    }

    @Test
    void halfASurrogatePairIsABug() {
        Completion with = withChoice(
                Completions.small(Prompt.Form.CHAT), new Completion.Choice(0, "a\ud83d", null, "", "stop", null, null));

        assertThatThrownBy(() -> CompletionJson.encode(with))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a text of the completion has half a surrogate pair");
    }

    @ParameterizedTest
    @EnumSource(
            value = Prompt.Form.class,
            names = {"RAW", "BATCH", "CHAT"})
    void readsWhatItWrote(Prompt.Form form) throws WireException {
        Completion full = Completions.full(form);

        Completion back = CompletionJson.decode(CompletionJson.encode(full));

        if (form == Prompt.Form.RAW) {
            Completions.assertSame(back, full);
        } else { // only the raw form carries the text
            Completions.assertSame(back, full, "choices.text");
            assertThat(back.choices()).extracting(Completion.Choice::text).containsExactly("42 😀", "");
        }
        assertThat(CompletionJson.encode(back)).isEqualTo(CompletionJson.encode(full));
    }

    @Test
    void readsTheSmallestOne() throws WireException {
        Completion small = Completions.small(Prompt.Form.CHAT);

        Completions.assertSame(CompletionJson.decode(utf8(SMALL_CHAT)), small);
    }

    @Test
    void readingIgnoresUnknownFields() throws WireException {
        String later =
                SMALL_CHAT.replace("{\"role\"", "{\"tool_calls\":[{}],\"role\"").replace("\"id\"", "\"x\":1,\"id\"");

        Completions.assertSame(CompletionJson.decode(utf8(later)), Completions.small(Prompt.Form.CHAT));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{ | is not valid JSON",
                "[] | must be an object",
                "null | must be an object",
                "{} | provenance: is missing, must be an object",
                "{'provenance':{}} | id: is missing, must be a string",
                "{'provenance':{},'id':1} | id: is 1, must be a string",
                "{'response':{'body':7}} | body: is 7, must be an object",
                "{} {} | is not valid JSON"
            })
    void refusesWhatIsNoCompletion(String json, String reason) {
        WireException e =
                catchThrowableOfType(WireException.class, () -> CompletionJson.decode(utf8(json.replace('\'', '"'))));

        assertThat(e).hasMessageContaining(reason);
    }

    @Test
    void refusesNestingAndNothing() {
        byte[] deep = utf8("{\"a\":" + "[".repeat(10_000));
        assertThatThrownBy(() -> CompletionJson.decode(deep)).isInstanceOf(WireException.class);
        assertThatThrownBy(() -> CompletionJson.comparable(deep)).isInstanceOf(WireException.class);
        assertThatThrownBy(() -> CompletionJson.decode(new byte[0])).isInstanceOf(WireException.class);
        assertThatThrownBy(() -> CompletionJson.decode(null)).isInstanceOf(WireException.class);
        assertThatThrownBy(() -> CompletionJson.decode(utf8("  "))).isInstanceOf(WireException.class);
    }

    @ParameterizedTest
    @EnumSource(
            value = Prompt.Form.class,
            names = {"RAW", "BATCH", "CHAT"})
    void comparableDropsWhatMayDiffer(Prompt.Form form) throws WireException {
        Completion one = Completions.full(form);
        Completion.Provenance p = one.provenance();
        Completion other = new Completion(
                form,
                one.id(),
                one.customId(),
                one.created() + 100,
                one.model(),
                one.choices(),
                List.of(),
                new Completion.Usage(9, 3, 0, 2),
                one.promptTokenIds(),
                null,
                one.user(),
                one.metadata(),
                new Completion.Provenance(
                        p.modelHash(),
                        p.engineVersion(),
                        p.backend(),
                        p.plan(),
                        p.seed(),
                        p.sampling(),
                        1,
                        2,
                        0,
                        0,
                        9,
                        p.source()));

        assertThat(CompletionJson.encode(other)).isNotEqualTo(CompletionJson.encode(one));
        assertThat(CompletionJson.comparable(CompletionJson.encode(other)))
                .isEqualTo(CompletionJson.comparable(CompletionJson.encode(one)));
    }

    @Test
    void comparableKeepsAllElse() throws WireException {
        String expected = FULL_CHAT
                .replace("\"created\":1767225600,", "")
                .replace("\"cached_tokens\":4", "")
                .replace(
                        "\"ttft_ms\":12.5,\"total_ms\":100.0,\"draft_tokens\":6,\"accepted_tokens\":5,\"resumed\":1,",
                        "");

        assertThat(new String(CompletionJson.comparable(utf8(FULL_CHAT)), StandardCharsets.UTF_8))
                .isEqualTo(expected);
    }

    @Test
    void samplingKeepsItsOrderAndTypes() throws WireException {
        Completion small = CompletionJson.decode(utf8(SMALL_CHAT.replace(
                "\"sampling\":{}",
                "\"sampling\":{\"z\":1,\"a\":9223372036854775807,\"m\":0.1,\"l\":[1,\"x\"],\"n\":null}")));

        assertThat(small.provenance().sampling())
                .containsExactly(
                        Map.entry("z", 1),
                        Map.entry("a", Long.MAX_VALUE),
                        Map.entry("m", 0.1),
                        Map.entry("l", List.of(1, "x")));
    }

    @ParameterizedTest
    @EnumSource(Prompt.Form.class)
    void aProgramsResultsStandByTheirNames(Prompt.Form form) throws WireException {
        Completion c = Completions.ofProgram(form);
        assertThat(encoded(c))
                .contains("\"finish_reason\":\"cancelled\",\"results\":{\"a[0]\":{\"text\":\"42 😀\","
                        + "\"reasoning_content\":\"6·7\",\"finish_reason\":\"stop\",\"seed\":-7,\"prompt_tokens\":9,"
                        + "\"completion_tokens\":3},\"a[1]\":{\"text\":null,\"reasoning_content\":\"no end\","
                        + "\"finish_reason\":\"length\",\"seed\":9223372036854775807,\"prompt_tokens\":9,"
                        + "\"completion_tokens\":8},\"s\":{\"text\":\"yes\",\"finish_reason\":\"stop\","
                        + "\"prompt_tokens\":20,\"completion_tokens\":0,\"candidates\":[{\"text\":\"yes\","
                        + "\"logprob\":-0.125,\"tokens\":1},{\"text\":\"\",\"logprob\":null,\"tokens\":0}]}},"
                        + "\"usage\":");
        Completion back = CompletionJson.decode(CompletionJson.encode(c));
        assertThat(back.results()).isEqualTo(c.results());
    }
}
