package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * The columns of data files in Parquet. A row's own columns keep their type where it is a number, a truth value or text, and are JSON
 * text where it isn't; rows that came as JSONL are one column {@code row}, their JSON. Immutable; any thread.
 */
final class ParquetColumns {
    private static final String ROW = "row";

    private final Schema schema;
    private final Map<String, Schema.Type> types = new HashMap<>();
    private final boolean isRowJson;

    /**
     * Makes them.
     *
     * @param source columns of the input, null = the input is JSONL
     */
    ParquetColumns(@Nullable Schema source) {
        List<Schema.Field> fields = new ArrayList<>();
        if (source != null) {
            source.getFields().forEach(f -> fields.add(optional(OutputRows.nameOf(f.name()), typeOf(f.schema()))));
        } else {
            fields.add(optional(ROW, Schema.Type.STRING));
        }
        isRowJson = source == null;
        for (String name : OutputRows.NAMES) {
            fields.add(optional(name, typeOf(name)));
        }
        fields.forEach(f -> types.put(f.name(), valueType(f.schema())));
        schema = Schema.createRecord("sample", null, "io.millrace.dataset", false, fields);
    }

    Schema schema() {
        return schema;
    }

    /** Returns a row of {@link OutputRows#sample}. */
    GenericRecord record(ObjectNode row) {
        GenericRecord record = new GenericData.Record(schema);
        ObjectNode columns = row;
        if (isRowJson) {
            ObjectNode own = row.deepCopy();
            own.remove(OutputRows.NAMES);
            columns = row.deepCopy();
            columns.put(ROW, own.toString());
        }
        for (Schema.Field field : schema.getFields()) {
            Schema.Type type = types.getOrDefault(field.name(), Schema.Type.STRING);
            record.put(field.pos(), AvroValues.fromJson(columns.get(field.name()), type));
        }
        return record;
    }

    private static Schema.Type typeOf(String name) {
        return switch (name) {
            case "attempt", "prompt_tokens", "completion_tokens" -> Schema.Type.INT;
            case "seed" -> Schema.Type.LONG;
            default -> Schema.Type.STRING;
        };
    }

    private static Schema.Type typeOf(Schema source) {
        Schema.Type type = valueType(source);
        return switch (type) {
            case INT, LONG, FLOAT, DOUBLE, BOOLEAN -> type;
            default -> Schema.Type.STRING;
        };
    }

    /** Returns the type of a value that may be null. */
    private static Schema.Type valueType(Schema schema) {
        if (!schema.isUnion()) {
            return schema.getType();
        }
        List<Schema> kinds = schema.getTypes().stream()
                .filter(s -> s.getType() != Schema.Type.NULL)
                .toList();
        return kinds.size() == 1 ? kinds.get(0).getType() : Schema.Type.UNION;
    }

    private static Schema.Field optional(String name, Schema.Type type) {
        Schema nullable = Schema.createUnion(Schema.create(Schema.Type.NULL), Schema.create(type));
        return new Schema.Field(name, nullable, null, Schema.Field.NULL_DEFAULT_VALUE);
    }
}
