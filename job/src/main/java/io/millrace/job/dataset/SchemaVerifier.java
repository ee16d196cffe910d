package io.millrace.job.dataset;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaException;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import com.networknt.schema.resource.DisallowSchemaLoader;
import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * Asks that the completion is JSON and fits a schema (draft 2020-12 unless {@code $schema} says otherwise; nothing is fetched); where
 * the row has an answer, also that it is the same JSON value, whatever the order of keys.
 */
final class SchemaVerifier implements Verifier {
    private final JsonSchema schema;

    /**
     * Reads a schema.
     *
     * @throws ConfigException if the file can't be read or is no schema
     */
    SchemaVerifier(Path file) {
        try {
            JsonNode json = RowJson.MAPPER.readTree(Files.readAllBytes(file));
            schema = JsonSchemaFactory.getInstance(
                            SpecVersion.VersionFlag.V202012,
                            b -> b.schemaLoaders(loaders -> loaders.add(DisallowSchemaLoader.getInstance())))
                    .getSchema(json);
            schema.initializeValidators();
        } catch (IOException | JsonSchemaException e) {
            throw new ConfigException("--verify json-schema:" + file + ": " + e, e);
        }
    }

    @Override
    public Verdict check(Question question, Sample sample) {
        String completion = sample.completion();
        if (completion == null) {
            return Verdict.wrong("it ended inside its reasoning");
        }
        try {
            JsonNode json = RowJson.MAPPER.readTree(completion);
            if (json.isMissingNode()) {
                return Verdict.wrong("it is empty");
            }
            Set<ValidationMessage> problems = schema.validate(json);
            if (!problems.isEmpty()) {
                return Verdict.wrong(problems.iterator().next().getMessage());
            }
            String answer = question.answer();
            if (answer != null && !json.equals(parsed(answer))) {
                return Verdict.wrong("the answer is " + answer);
            }
            return Verdict.CORRECT;
        } catch (JsonProcessingException e) {
            return Verdict.wrong("no JSON: " + e.getOriginalMessage());
        }
    }

    /** An answer column that holds JSON as text, or plain text. */
    private static JsonNode parsed(String answer) {
        try {
            return RowJson.MAPPER.readTree(answer);
        } catch (JsonProcessingException e) {
            return TextNode.valueOf(answer);
        }
    }
}
