package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonToken;
import org.jspecify.annotations.Nullable;

/**
 * What can be wrong with a JSON text whatever it means: syntax, depth, duplicate names, lone surrogates, trailing data.
 * A first pass of its own, so that these errors come before any field's, and so that the second pass knows the form.
 */
final class JsonCheck {
    private JsonCheck() {}

    /**
     * Reads an object's text to its end.
     *
     * @return whether it is a batch line: {@code custom_id} or {@code body}, but none of {@code messages}, {@code prompt} and {@code
     *     program}
     */
    static boolean isBatchLine(char[] text, WireLimits limits) throws WireException {
        JsonReader in = new JsonReader(text, true);
        JsonToken first = in.next();
        if (first == null) {
            throw new WireException("", -1, "the value is blank: send a prompt");
        }
        in.requireObject();
        boolean hasBatchField = false;
        boolean hasPlainField = false;
        int depth = 1;
        while (depth > 0) {
            JsonToken token = in.next();
            depth += depthChange(token);
            if (depth > limits.maxDepth()) {
                throw in.error("is nested deeper than " + limits.maxDepth() + " levels: flatten it");
            }
            if (token == JsonToken.FIELD_NAME || token == JsonToken.VALUE_STRING) {
                String chars = in.chars();
                if (WireText.loneSurrogate(chars) >= 0) {
                    throw in.error(WireText.quote(chars) + " has half a surrogate pair at character "
                            + WireText.loneSurrogate(chars) + ": it is no Unicode text");
                }
                if (depth == 1 && token == JsonToken.FIELD_NAME) {
                    hasBatchField |= chars.equals("custom_id") || chars.equals("body");
                    hasPlainField |= chars.equals("messages") || chars.equals("prompt") || chars.equals("program");
                }
            }
        }
        if (in.next() != null) {
            throw new WireException("", in.offset(), "has more data behind the object: one prompt a record");
        }
        return hasBatchField && !hasPlainField;
    }

    private static int depthChange(@Nullable JsonToken token) {
        if (token == null) {
            throw new IllegalStateException("end of text inside an object");
        }
        return token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
    }
}
