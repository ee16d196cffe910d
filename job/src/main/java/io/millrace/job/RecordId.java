package io.millrace.job;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Finds the id of a prompt or a completion without understanding the rest, also if the rest is broken. */
public final class RecordId {
    private static final JsonFactory JSON = new JsonFactory();

    private RecordId() {}

    /** Returns the top-level {@code id}, else {@code custom_id}, else null. */
    public static @Nullable String find(byte @Nullable [] value) {
        if (value == null) {
            return null;
        }
        String customId = null;
        try (JsonParser p = JSON.createParser(value)) {
            if (p.nextToken() != JsonToken.START_OBJECT) {
                return null;
            }
            while (p.nextToken() == JsonToken.FIELD_NAME) {
                String name = p.currentName();
                JsonToken token = p.nextToken();
                if (token == JsonToken.VALUE_STRING && name.equals("id")) {
                    return p.getText();
                }
                if (token == JsonToken.VALUE_STRING && name.equals("custom_id")) {
                    customId = p.getText();
                }
                p.skipChildren();
            }
        } catch (IOException e) {
            return customId; // broken further on: what was found before still tells which one it is
        }
        return customId;
    }
}
