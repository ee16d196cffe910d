package io.millrace.schemas;

import static io.millrace.schemas.PromptJsonTest.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromptJsonErrorTest {
    private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";

    private static WireException error(byte[] value, WireLimits limits) {
        return catchThrowableOfType(WireException.class, () -> PromptJson.decode(value, limits, false));
    }

    private static WireException error(String json) {
        return error(utf8(json), WireLimits.DEFAULT);
    }

    /** Single quotes stand for double ones; offset −1 = not known. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                // not an object
                "null | `` | 0 | is null, must be an object",
                "[] | `` | 0 | is an array, must be an object",
                "17 | `` | 0 | 17 is a number, must be an object",
                "'hi' | `` | 0 | \"hi\" is a string, must be an object",
                // not JSON
                "{ | `` | 1 | is not valid JSON: Unexpected end-of-input",
                "{'prompt':'x' | `` | 13 | is not valid JSON: Unexpected end-of-input",
                "{'prompt':x} | `` | -2 | is not valid JSON: Unrecognized token 'x'",
                "{'prompt':'x',} | `` | 14 | is not valid JSON: Unexpected character ('}'",
                "{'prompt':NaN} | `` | -2 | is not valid JSON",
                "{prompt:'x'} | `` | 1 | is not valid JSON: Unexpected character ('p'",
                "{'prompt':'x'} {} | `` | 15 | has more data behind the object: one prompt a record",
                "{'prompt':'x'}] | `` | 14 | is not valid JSON",
                "{'prompt':'x','n':1,'n':1} | `` | -2 | Duplicate field 'n'",
                "{'prompt':'x','u':{'n':1,'n':1}} | `` | -2 | Duplicate field 'n'",
                "{'prompt':'x','n':01} | `` | -2 | is not valid JSON",
                // no prompt or several
                "{} | messages | -1 | is missing: give messages, or prompt for raw text",
                "{'prompt':null} | prompt | 10 | is null, must be a string or an array of token ids",
                "{'prompt':{}} | prompt | 10 | is an object, must be a string or an array",
                "{'prompt':[]} | prompt | -2 | has no token ids",
                "{'prompt':[1,'a']} | prompt[1] | 13 | \"a\" is a string, must be a token id (one prompt a record)",
                "{'prompt':[[1]]} | prompt[0] | 11 | is an array, must be a token id",
                "{'prompt':[1.5]} | prompt[0] | 11 | 1.5 is a number with a fraction",
                "{'prompt':[2147483648]} | prompt[0] | 11 | 2147483648 is beyond 32 bits",
                "{'prompt':'x','messages':[{'role':'user','content':'x'}]} | prompt | -1 | is given twice",
                "{'raw':true,'messages':[{'role':'user','content':'x'}]} | raw | -1 | true goes with prompt only",
                // messages
                "{'messages':null} | messages | 12 | is null, must be an array",
                "{'messages':[]} | messages | -2 | is empty: give at least one message",
                "{'messages':['x']} | messages[0] | 13 | \"x\" is a string, must be an object",
                "{'messages':[{}]} | messages[0].role | -1 | is missing",
                "{'messages':[{'role':'user'}]} | messages[0].content | -1 | is missing",
                "{'messages':[{'content':'x'}]} | messages[0].role | -1 | is missing",
                "{'messages':[{'role':'user','content':null}]} | messages[0].content | 38 | is null, must be a string",
                "{'messages':[{'role':'user','content':7}]} | messages[0].content | 38 | 7 is a number, must be",
                "{'messages':[{'role':'user','content':[]}]} | messages[0].content | -2 | has no parts",
                "{'messages':[{'role':'tool','content':''}]} | messages[0].role | 21 | \"tool\" is no known role: use",
                "{'messages':[{'role':'User','content':''}]} | messages[0].role | 21 | \"User\" is no known role",
                "{'messages':[{'role':null,'content':''}]} | messages[0].role | 21 | is null, must be a string",
                "{'messages':[{'role':'user','content':[{'type':'image_url','image_url':{}}]}]} | messages[0].content[0].type | 47 | \"image_url\" is not supported yet",
                "{'messages':[{'role':'user','content':[{'input_audio':{},'type':'input_audio'}]}]} | messages[0].content[0].input_audio | -2 | is not supported yet",
                "{'messages':[{'role':'user','content':[{'text':'x'}]}]} | messages[0].content[0].type | -1 | is missing",
                "{'messages':[{'role':'user','content':[{'type':'text'}]}]} | messages[0].content[0].text | -1 | is missing",
                "{'messages':[{'role':'user','content':['x']}]} | messages[0].content[0] | -2 | \"x\" is a string, must be an object",
                "{'messages':[{'role':'assistant','content':null,'tool_calls':[]}]} | messages[0].content | -2 | is null",
                "{'messages':[{'role':'assistant','tool_calls':[]}]} | messages[0].tool_calls | -2 | is not supported yet",
                // batch lines
                "{'custom_id':'c'} | body | -1 | is missing: a batch line needs custom_id and body",
                "{'body':{}} | custom_id | -1 | is missing",
                "{'custom_id':'c','body':{}} | body.messages | -1 | is missing: the body of a batch line is a chat request",
                "{'custom_id':'c','body':{'prompt':'x'}} | body.messages | -1 | is missing",
                "{'custom_id':'c','body':[]} | body | 24 | is an array, must be an object",
                "{'custom_id':7,'body':{}} | custom_id | 13 | 7 is a number, must be a string",
                "{'custom_id':null,'body':{}} | custom_id | 13 | is null, must be a string",
                "{'custom_id':'c','method':'GET','body':{}} | method | 26 | \"GET\" is not supported: use POST",
                "{'custom_id':'c','url':'/v1/embeddings','body':{}} | url | 23 | \"/v1/embeddings\" is not supported: use /v1/chat/completions",
                "{'custom_id':'c','body':{'messages':[{'role':'user','content':'x'}],'n':'1'}} | body.n | -2 | \"1\" is a string, must be an integer",
                "{'custom_id':'c','body':{'custom_id':'d','messages':[{'role':'user','content':'x'}]}} | body.custom_id | -1 | stands beside body",
                "{'custom_id':'c','body':{'top_logprobs':1,'messages':[{'role':'user','content':'x'}]}} | body.top_logprobs | -1 | 1 needs logprobs: true"
            })
    void namesFieldOffsetAndReason(String json, String field, int offset, String reason) {
        WireException e = error(json.replace('\'', '"').replace("\\\"", "\""));

        assertThat(e).as(json).isNotNull();
        assertThat(e.field()).isEqualTo(field);
        if (offset == -2) {
            assertThat(e.offset()).isGreaterThan(0);
        } else {
            assertThat(e.offset()).isEqualTo(offset);
        }
        assertThat(e.getMessage().replace('"', '\'')).contains(reason.replace('"', '\''));
    }

    /** The field stands alone beside a valid conversation. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "temperature | '0.5' | '0.5' is a string, must be a number",
                "temperature | true | true is a boolean, must be a number",
                "temperature | 1e999 | 1e999 is beyond a 64-bit float",
                "top_p | [1] | is an array, must be a number",
                "max_tokens | 7.0 | 7.0 is a number with a fraction or exponent, must be an integer",
                "max_tokens | 1e2 | 1e2 is a number with a fraction or exponent, must be an integer",
                "max_tokens | '7' | '7' is a string, must be an integer",
                "max_tokens | 2147483648 | 2147483648 is beyond 32 bits",
                "max_tokens | -2147483649 | -2147483649 is beyond 32 bits",
                "max_tokens | 99999999999999999999 | 99999999999999999999 is beyond 64 bits",
                "seed | 9223372036854775808 | 9223372036854775808 is beyond 64 bits",
                "seed | 1.5 | 1.5 is a number with a fraction or exponent, must be an integer",
                "deadline_ms | 'soon' | 'soon' is a string, must be an integer",
                "priority | {} | is an object, must be an integer",
                "n | false | false is a boolean, must be an integer",
                "stop | 7 | 7 is a number, must be a string or an array of strings",
                "logprobs | 5 | 5 is a number, must be true or false",
                "stream | 'true' | 'true' is a string, must be true or false",
                "ignore_eos | 1 | 1 is a number, must be true or false",
                "model | 3 | 3 is a number, must be a string",
                "id | 3 | 3 is a number, must be a string",
                "id | '' | is empty: leave it out or give it 1 to 256 bytes",
                "user | {} | is an object, must be a string",
                "metadata | [] | is an array, must be an object",
                "logit_bias | [] | is an array, must be an object",
                "stop_token_ids | 5 | 5 is a number, must be an array",
                "tools | [{}] | is not supported yet: remove it",
                "tool_choice | 'required' | is not supported yet",
                "tool_choice | {'type':'function'} | is not supported yet",
                "functions | [{'name':'f'}] | is not supported yet",
                "function_call | {'name':'f'} | is not supported yet",
                "guided_choice | 'a' | 'a' is a string, must be an array",
                "guided_regex | 7 | 7 is a number, must be a string",
                "guided_json | 7 | 7 is a number, must be a JSON schema",
                "response_format | 'text' | 'text' is a string, must be an object",
                "modalities | ['text','audio'] | is not supported yet",
                "audio | {'voice':'x'} | is not supported yet",
                "images | [] | is not supported yet",
                "suffix | 'x' | is not supported yet",
                "bad_words | 'x' | 'x' is a string, must be an array",
                "echo | 1 | 1 is a number, must be true or false",
                "best_of | 2.5 | 2.5 is a number with a fraction"
            })
    void refusesTheValueOfAField(String field, String value, String reason) {
        String start = "{" + HI + ",\"" + field + "\":";
        WireException e = error(start + value.replace('\'', '"') + "}");

        assertThat(e).isNotNull();
        assertThat(e.field()).isEqualTo(field);
        assertThat(e.offset()).isBetween((long) start.length(), (long) start.length() + value.length());
        assertThat(e.getMessage().replace('"', '\'')).startsWith(field + ": " + reason);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'max_tokens':1,'max_completion_tokens':2 | max_completion_tokens | 2 contradicts max_tokens 1",
                "'top_logprobs':2 | top_logprobs | 2 needs logprobs: true",
                "'top_logprobs':2,'logprobs':false | top_logprobs | 2 needs logprobs: true",
                "'echo':true | echo | true goes with prompt only, and without logprobs",
                "'stream':true,'best_of':2 | best_of | 2 contradicts stream: nobody knows the best before the end",
                "'stop':['a',null] | stop[1] | is null, must be a string",
                "'stop_token_ids':[1,2.5] | stop_token_ids[1] | 2.5 is a number with a fraction",
                "'metadata':{'a':1} | metadata.a | 1 is a number, must be a string",
                "'metadata':{'a':null} | metadata.a | is null, must be a string",
                "'logit_bias':{'a':1} | logit_bias.a | 'a' is no token id: use decimal digits",
                "'logit_bias':{'':1} | logit_bias. | '' is no token id",
                "'logit_bias':{'05':1} | logit_bias.05 | '05' is no token id",
                "'logit_bias':{'-5':1} | logit_bias.-5 | '-5' is no token id",
                "'logit_bias':{'2147483648':1} | logit_bias.2147483648 | '2147483648' is no token id",
                "'logit_bias':{'99999999999999999999':1} | logit_bias.99999999999999999999 | is no token id",
                "'logit_bias':{'5':'1'} | logit_bias.5 | '1' is a string, must be a number"
            })
    void namesTheItemInside(String fields, String field, String reason) {
        WireException e = error("{" + HI + "," + fields.replace('\'', '"') + "}");

        assertThat(e).isNotNull();
        assertThat(e.field()).isEqualTo(field);
        assertThat(e.getMessage().replace('"', '\'')).contains(reason);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prompt\":\"\\ud83d\"}",
                "{\"prompt\":\"\\ude00\\ud83d\"}",
                "{\"prompt\":\"\\ud83dx\"}",
                "{\"prompt\":\"x\",\"unknown\":[{\"a\":\"\\udc00\"}]}",
                "{\"prompt\":\"x\",\"\\ud800\":1}",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"\\ud83d\\ud83d\\ude00\"}]}"
            })
    void refusesHalfASurrogatePair(String json) {
        assertThat(error(json))
                .hasMessageContaining("has half a surrogate pair at character 0")
                .hasMessageContaining("\\ud");
    }

    @Test
    void refusesBytesThatAreNotUtf8() {
        int[][] bad = {
            {0xff},
            {0x80},
            {0xc3},
            {0xc0, 0xaf},
            {0xe0, 0x80, 0xaf},
            {0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80},
            {0xf4, 0x90, 0x80, 0x80}
        };
        for (int[] sequence : bad) {
            ByteArrayOutputStream value = new ByteArrayOutputStream();
            value.writeBytes(utf8("{\"prompt\":\"ä"));
            for (int b : sequence) {
                value.write(b);
            }
            value.writeBytes(utf8("\"}"));

            WireException e = error(value.toByteArray(), WireLimits.DEFAULT);

            assertThat(e).as(Arrays.toString(sequence)).isNotNull();
            assertThat(e.offset()).isEqualTo(13);
            assertThat(e).hasMessageContaining(String.format("is not UTF-8: byte 0x%02x", sequence[0]));
        }
    }

    /** A parser that guesses the encoding would read these. */
    @Test
    void refusesOtherEncodings() {
        assertThat(error("{\"prompt\":\"x\"}".getBytes(StandardCharsets.UTF_16LE), WireLimits.DEFAULT))
                .isNotNull();
        assertThat(error("{\"prompt\":\"x\"}".getBytes(StandardCharsets.UTF_16BE), WireLimits.DEFAULT))
                .isNotNull();
        assertThat(error("\ufeff{\"prompt\":\"x\"}")).hasMessageContaining("is not valid JSON");
    }

    @Test
    void refusesNoValue() {
        WireException e =
                catchThrowableOfType(WireException.class, () -> PromptJson.decode(null, WireLimits.DEFAULT, false));
        assertThat(e).hasMessage("the record has no value (a tombstone): send a prompt");
        assertThat(error(" \n")).hasMessage("the value is blank: send a prompt");
        assertThat(error("")).hasMessage("the value is empty: send a prompt (at byte 0)");
    }

    @Test
    void refusesMoreBytesThanTheLimit() {
        byte[] value = utf8("{\"prompt\":\"" + "x".repeat(5 << 20) + "\"}");

        assertThat(error(value, WireLimits.DEFAULT))
                .hasMessage(
                        "the value has 5,242,893 bytes but the limit is 1,048,576: shorten it or raise max-request-bytes");
        assertThat(error(value, WireLimits.ofRequestBytes(8 << 20))).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"[", "{\"a\":", "[{\"a\":"})
    void refusesDeepNesting(String level) {
        for (String field :
                new String[] {"unknown", "messages", "prompt", "stop", "metadata", "response_format", "body"}) {
            WireException e = error("{\"" + field + "\":" + level.repeat(10_000));

            assertThat(e).hasMessageContaining("is nested deeper than 32 levels: flatten it");
            assertThat(e.getMessage().length()).isLessThan(300);
        }
    }

    @Test
    void refusesMoreThanTheOtherLimits() {
        WireLimits limits = new WireLimits(10_000, 8, 2, 4, 2);
        String message = "{\"role\":\"user\",\"content\":\"x\"}";

        assertThat(error(utf8("{\"messages\":[" + message + "," + message + "," + message + "]}"), limits))
                .hasMessage("messages[2]: is one more than the limit of 2 messages: send fewer (at byte 73)");
        assertThat(error(utf8("{" + HI + ",\"metadata\":{\"a\":\"\",\"b\":\"\",\"c\":\"\"}}"), limits))
                .hasMessageContaining("metadata: has more than 2 entries: send fewer");
        assertThat(error(utf8("{" + HI + ",\"logit_bias\":{\"1\":1,\"2\":1,\"3\":1}}"), limits))
                .hasMessageContaining("logit_bias: has more than 2 entries: send fewer");
        for (String field : new String[] {"id", "custom_id", "tenant"}) {
            assertThat(error(utf8("{" + HI + ",\"" + field + "\":\"äöü\"}"), limits))
                    .hasMessageContaining(field + ": \"äöü\" has 6 bytes but the limit is 4: shorten it");
        }
        assertThat(error(utf8("{\"custom_id\":\"äöü\",\"body\":{}}"), limits))
                .hasMessageContaining("custom_id: \"äöü\" has 6 bytes but the limit is 4");
    }

    /** Messages go to logs and headers: no payload, no line breaks. */
    @Test
    void quotesLittleAndEscapesIt() {
        WireException e = error("{" + HI + ",\"temperature\":\"a\\nb" + "😀".repeat(500_000 / 4) + "\"}");

        assertThat(e.getMessage()).startsWith("temperature: \"a\\u000ab😀").contains("😀…\" is a string");
        assertThat(e.getMessage().length()).isLessThan(200);
        assertThat(error("{\"" + "n".repeat(900) + "\":\"\\ud800\"}")
                        .getMessage()
                        .length())
                .isLessThan(400);
        assertThat(error("{\"" + "n".repeat(1_001) + "\":1}")).hasMessageContaining("is beyond a limit of JSON");
        assertThat(error("{" + HI + ",\"n\":" + "9".repeat(1_001) + "}"))
                .hasMessageContaining("is beyond a limit of JSON");
        assertThat(error("{" + HI + ",\"n\":" + "9".repeat(999) + "}")
                        .getMessage()
                        .length())
                .isLessThan(200);
    }
}
