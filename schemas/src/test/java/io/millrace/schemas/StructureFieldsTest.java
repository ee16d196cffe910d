package io.millrace.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.schemas.Prompt.Structure;
import io.millrace.schemas.Prompt.StructureKind;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StructureFieldsTest {
    private static Prompt decode(String fields) throws WireException {
        String json = "{\"prompt\":\"x\"," + fields.replace('\'', '"') + ",\"n\":3}";
        return PromptJson.decode(json.getBytes(StandardCharsets.UTF_8), WireLimits.DEFAULT, true);
    }

    @Test
    void aSchemaKeepsItsTextAndItsOrder() throws WireException {
        String schema = "{ 'properties': {'b':{'const':1.50}, 'a':{}} }".replace('\'', '"');
        Structure wanted = new Structure(StructureKind.JSON_SCHEMA, schema, List.of());

        assertThat(decode("'response_format':{'type':'json_schema','json_schema':{'name':'s','strict':true,'schema':"
                                + schema + "}}")
                        .structure())
                .isEqualTo(wanted);
        assertThat(decode("'guided_json':" + schema).structure()).isEqualTo(wanted);
        assertThat(decode("'guided_json':" + schema).sampling().n()).isEqualTo(3); // read to its end, no further
        assertThat(decode("'guided_json':'{}'").structure())
                .isEqualTo(new Structure(StructureKind.JSON_SCHEMA, "{}", List.of()));
    }

    @Test
    void readsTheOtherKinds() throws WireException {
        assertThat(decode("'response_format':{'type':'json_object'}").structure())
                .isEqualTo(new Structure(StructureKind.JSON_OBJECT, "", List.of()));
        assertThat(decode("'response_format':{'type':'text'}").structure()).isNull();
        assertThat(decode("'guided_regex':'a+'").structure())
                .isEqualTo(new Structure(StructureKind.REGEX, "a+", List.of()));
        assertThat(decode("'guided_choice':['a','b']").structure())
                .isEqualTo(new Structure(StructureKind.CHOICE, "", List.of("a", "b")));
        assertThat(decode("'guided_grammar':'root ::= [a]'").structure())
                .isEqualTo(new Structure(StructureKind.GRAMMAR, "root ::= [a]", List.of()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "'response_format':{} | response_format.type: is missing: use text, json_object or json_schema",
                "'response_format':{'type':'xml'} | response_format.type: \"xml\" is no known format",
                "'response_format':{'type':'json_schema'} | response_format.json_schema.schema: is missing",
                "'guided_choice':[] | guided_choice: has no choices: give at least one",
                "'guided_regex':'a','guided_choice':['a'] | guided_choice: asks for a second structure"
            })
    void refusesTheRest(String fields, String message) {
        assertThatThrownBy(() -> decode(fields))
                .isInstanceOf(WireException.class)
                .hasMessageStartingWith(message);
    }
}
