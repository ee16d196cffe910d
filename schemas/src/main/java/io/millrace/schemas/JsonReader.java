package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import java.io.IOException;
import java.nio.CharBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A cursor over the tokens of one JSON text. Each complaint names the field's path, the byte offset and the value; no
 * value is coerced. One thread.
 *
 * <p>It reads characters, not bytes, because Jackson would guess UTF-16 and UTF-32 from bytes.
 */
final class JsonReader {
    private static final int MAX_NAME_CHARS = 1_000;
    /** Of a path in a message; a text may be nested deeply, with long names. */
    private static final int MAX_PATH_CHARS = 200;

    /**
     * Names come from outside: they are neither interned nor kept in a table. Depth is bounded by {@link JsonCheck} and
     * strings by the size of the whole.
     */
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(Integer.MAX_VALUE)
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNameLength(MAX_NAME_CHARS)
                    .build())
            .build();

    private final char[] text;
    private final JsonParser parser;

    /** Starts before the first token of {@code text} [chars]. */
    JsonReader(char[] text, boolean rejectsDuplicates) {
        this.text = text;
        try {
            parser = FACTORY.createParser(text, 0, text.length);
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory", e);
        }
        parser.configure(StreamReadFeature.STRICT_DUPLICATE_DETECTION.mappedFeature(), rejectsDuplicates);
    }

    /** Goes to the next token; null at the end of the text. */
    @Nullable
    JsonToken next() throws WireException {
        try {
            return parser.nextToken();
        } catch (JsonProcessingException e) {
            throw malformed(e);
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory", e);
        }
    }

    /** Goes to the next name of an object, false at its end. */
    boolean nextName() throws WireException {
        return next() == JsonToken.FIELD_NAME;
    }

    boolean is(JsonToken token) {
        return parser.hasToken(token);
    }

    boolean isNull() {
        return is(JsonToken.VALUE_NULL);
    }

    /** Returns a name's or a string's characters. */
    String chars() throws WireException {
        try {
            return parser.getText();
        } catch (JsonProcessingException e) {
            throw malformed(e);
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory", e);
        }
    }

    String string() throws WireException {
        if (!is(JsonToken.VALUE_STRING)) {
            throw wrongType("a string");
        }
        return chars();
    }

    @Nullable
    String stringOrNull() throws WireException {
        return isNull() ? null : string();
    }

    /** Returns a string that is neither empty nor longer than ids may be. */
    String id(WireLimits limits) throws WireException {
        String id = string();
        String problem = WireText.idProblem(id, limits);
        if (problem != null) {
            throw error(problem);
        }
        return id;
    }

    int int32() throws WireException {
        long value = int64();
        if (value != (int) value) {
            throw error(value + " is beyond 32 bits (−2,147,483,648 to 2,147,483,647)");
        }
        return (int) value;
    }

    @Nullable
    Integer int32OrNull() throws WireException {
        return isNull() ? null : int32();
    }

    long int64() throws WireException {
        if (!is(JsonToken.VALUE_NUMBER_INT)) {
            throw wrongType("an integer");
        }
        try {
            return parser.getLongValue();
        } catch (JsonProcessingException e) {
            throw error(WireText.cut(chars()) + " is beyond 64 bits");
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory", e);
        }
    }

    @Nullable
    Long int64OrNull() throws WireException {
        return isNull() ? null : int64();
    }

    double number() throws WireException {
        if (!is(JsonToken.VALUE_NUMBER_INT) && !is(JsonToken.VALUE_NUMBER_FLOAT)) {
            throw wrongType("a number");
        }
        double value;
        try {
            value = parser.getDoubleValue();
        } catch (JsonProcessingException e) {
            throw malformed(e);
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory", e);
        }
        if (!Double.isFinite(value)) {
            throw error(WireText.cut(chars()) + " is beyond a 64-bit float");
        }
        return value;
    }

    @Nullable
    Double numberOrNull() throws WireException {
        return isNull() ? null : number();
    }

    boolean bool() throws WireException {
        if (!is(JsonToken.VALUE_TRUE) && !is(JsonToken.VALUE_FALSE)) {
            throw wrongType("true or false");
        }
        return is(JsonToken.VALUE_TRUE);
    }

    @Nullable
    Boolean boolOrNull() throws WireException {
        return isNull() ? null : bool();
    }

    void requireObject() throws WireException {
        if (!is(JsonToken.START_OBJECT)) {
            throw wrongType("an object");
        }
    }

    void requireArray() throws WireException {
        if (!is(JsonToken.START_ARRAY)) {
            throw wrongType("an array");
        }
    }

    /** Goes to the end of the value that begins here and returns its text as it stands. */
    String text() throws WireException {
        int from = (int) parser.currentTokenLocation().getCharOffset();
        skip();
        chars(); // a string is read to its end only when it is asked for
        return new String(text, from, (int) parser.currentLocation().getCharOffset() - from);
    }

    /** Goes to the end of the value that begins here. */
    void skip() throws WireException {
        try {
            parser.skipChildren();
        } catch (JsonProcessingException e) {
            throw malformed(e);
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory", e);
        }
    }

    /** Returns the path of the token, {@code messages[2].role}; without indices {@code messages[].role}. */
    String path(boolean hasIndices) {
        StringBuilder out = new StringBuilder();
        append(out, parser.getParsingContext(), hasIndices);
        if (out.length() <= MAX_PATH_CHARS) {
            return out.toString();
        }
        boolean splitsPair = Character.isHighSurrogate(out.charAt(MAX_PATH_CHARS - 1));
        return out.substring(0, splitsPair ? MAX_PATH_CHARS - 1 : MAX_PATH_CHARS) + '…';
    }

    private static void append(StringBuilder out, JsonStreamContext context, boolean hasIndices) {
        JsonStreamContext parent = context.getParent();
        if (parent != null) {
            append(out, parent, hasIndices); // as deep as the text, which JsonCheck has bounded
        }
        if (context.inObject() && context.hasCurrentName()) {
            out.append(out.length() == 0 ? "" : ".").append(WireText.cut(context.getCurrentName()));
        } else if (context.inArray() && context.hasCurrentIndex()) {
            out.append('[').append(hasIndices ? context.getCurrentIndex() : "").append(']');
        }
    }

    /** Returns the byte offset of the token. It counts from the start of the text: for errors only. */
    long offset() {
        return offset(parser.currentTokenLocation().getCharOffset());
    }

    private long offset(long charOffset) {
        return charOffset < 0 ? -1 : WireText.utf8Bytes(CharBuffer.wrap(text), (int) Math.min(charOffset, text.length));
    }

    /** Something is wrong with the value here. */
    WireException error(String reason) {
        return new WireException(path(true), offset(), reason);
    }

    /** Something is wrong with a field of the object that ends here. */
    WireException fieldError(String name, String reason) {
        String path = path(true);
        return new WireException(path.isEmpty() ? name : path + '.' + name, -1, reason);
    }

    WireException wrongType(String wanted) throws WireException {
        return error(found() + ", must be " + wanted);
    }

    private String found() throws WireException {
        JsonToken token = parser.currentToken();
        if (token == null) {
            return "nothing";
        }
        return switch (token) {
            case START_OBJECT -> "is an object";
            case START_ARRAY -> "is an array";
            case VALUE_STRING -> WireText.quote(chars()) + " is a string";
            case VALUE_NUMBER_INT -> WireText.cut(chars()) + " is a number";
            case VALUE_NUMBER_FLOAT -> WireText.cut(chars()) + " is a number with a fraction or exponent";
            case VALUE_TRUE, VALUE_FALSE -> chars() + " is a boolean";
            case VALUE_NULL -> "is null";
            default -> chars();
        };
    }

    private WireException malformed(JsonProcessingException e) {
        long at = e.getLocation() == null ? -1 : offset(e.getLocation().getCharOffset());
        if (e instanceof StreamConstraintsException) {
            return new WireException("", at, "is beyond a limit of JSON: " + WireText.cut(e.getOriginalMessage()));
        }
        return new WireException("", at, "is not valid JSON: " + WireText.cut(e.getOriginalMessage()));
    }
}
