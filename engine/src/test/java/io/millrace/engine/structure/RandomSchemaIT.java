package io.millrace.engine.structure;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Answers to random schemas, validated by a library that shares nothing with the compiler. {@code -Dmillrace.full=true}: 2,000
 * schemas.
 */
class RandomSchemaIT {
    private static final int NUM_SCHEMAS = Boolean.getBoolean("millrace.full") ? 2000 : 300;
    private static final int ANSWERS_PER_SCHEMA = 2;

    @Test
    void everyAnswerValidates() throws Exception {
        ObjectMapper mapper = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
        JsonSchemaFactory factory = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);
        GrammarCache cache = new GrammarCache(Walk.TOKENIZER);
        RandomSchemas schemas = new RandomSchemas(20261125);
        SplittableRandom random = new SplittableRandom(7);
        int numObjects = 0;
        for (int i = 0; i < NUM_SCHEMAS; i++) {
            ObjectNode schema = schemas.next();
            CompiledStructure compiled = cache.get(Structure.of(Structure.Kind.JSON_SCHEMA, schema.toString()));
            JsonSchema validator = factory.getSchema(schema);
            for (int k = 0; k < ANSWERS_PER_SCHEMA; k++) {
                String answer = Walk.answer(compiled, random);
                assertThat(validator.validate(mapper.readTree(answer)))
                        .as("schema %d: %s%nanswer: %s", i, schema, answer)
                        .isEmpty();
                numObjects += answer.startsWith("{") ? 1 : 0;
            }
        }
        assertThat(numObjects).isGreaterThan(NUM_SCHEMAS / 2);
    }
}
