package io.millrace.engine.model;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parser of a safetensors header: {@code {"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, …}}, streaming,
 * so that memory stays in proportion to the header. Thread: one.
 */
final class SafetensorsHeader {
    private static final JsonFactory JSON = new JsonFactory();
    private static final int MAX_AXES = 16;

    /** Bits of an element; a dtype that isn't here is only a name, its length isn't checked. */
    private static final Map<String, Integer> ELEMENT_BITS = Map.ofEntries(
            Map.entry("BOOL", 8),
            Map.entry("U8", 8),
            Map.entry("I8", 8),
            Map.entry("F8_E4M3", 8),
            Map.entry("F8_E5M2", 8),
            Map.entry("F8_E8M0", 8),
            Map.entry("I16", 16),
            Map.entry("U16", 16),
            Map.entry("F16", 16),
            Map.entry("BF16", 16),
            Map.entry("I32", 32),
            Map.entry("U32", 32),
            Map.entry("F32", 32),
            Map.entry("I64", 64),
            Map.entry("U64", 64),
            Map.entry("F64", 64));

    private final String fileName;
    private final JsonParser in;
    private final long dataStart;
    private final long fileBytes;

    private SafetensorsHeader(String fileName, JsonParser in, long dataStart, long fileBytes) {
        this.fileName = fileName;
        this.in = in;
        this.dataStart = dataStart;
        this.fileBytes = fileBytes;
    }

    /**
     * Returns the tensors in header order; offsets count from the start of the file.
     *
     * @param header the JSON bytes, possibly padded with spaces
     * @throws ConfigException naming the file and the tensor
     */
    static List<SafetensorsFile.Entry> parse(String fileName, byte[] header, long fileBytes) {
        try (JsonParser in = JSON.createParser(header)) {
            return new SafetensorsHeader(fileName, in, 8L + header.length, fileBytes).entries();
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    fileName + ": the header is no valid JSON: "
                            + e.getOriginalMessage().replace('\n', ' '),
                    e);
        } catch (IOException e) {
            throw new ConfigException(fileName + ": the header can't be read: " + e, e);
        }
    }

    private List<SafetensorsFile.Entry> entries() throws IOException {
        List<SafetensorsFile.Entry> entries = new ArrayList<>();
        Set<String> names = new HashSet<>();
        expect(in.nextToken() == JsonToken.START_OBJECT, null, "the header is no JSON object");
        while (in.nextToken() == JsonToken.FIELD_NAME) {
            String name = in.currentName();
            expect(names.add(name), name, "appears twice in the header");
            expect(in.nextToken() == JsonToken.START_OBJECT, name, "has no JSON object in the header");
            if (name.equals("__metadata__")) {
                in.skipChildren();
            } else {
                entries.add(entry(name));
            }
        }
        expect(in.nextToken() == null, null, "the header goes on after its object");
        return entries;
    }

    private SafetensorsFile.Entry entry(String name) throws IOException {
        String dtype = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        while (in.nextToken() == JsonToken.FIELD_NAME) {
            String key = in.currentName();
            in.nextToken();
            switch (key) {
                case "dtype" -> {
                    expect(in.currentToken() == JsonToken.VALUE_STRING, name, "has a dtype that is no string");
                    dtype = in.getText();
                }
                case "shape" -> shape = numbers(name, key);
                case "data_offsets" -> offsets = numbers(name, key);
                default -> expect(false, name, "has an unknown key " + key + " in the header");
            }
        }
        if (dtype == null || shape == null || offsets == null) {
            throw refuse(name, "lacks dtype, shape or data_offsets in the header");
        }
        if (offsets.size() != 2) {
            throw refuse(name, "has " + offsets.size() + " data_offsets but must have 2");
        }
        return checked(name, dtype, shape, offsets.get(0), offsets.get(1));
    }

    private SafetensorsFile.Entry checked(String name, String dtype, List<Long> shape, long begin, long end) {
        // Complaints are put together only if there is one: a checkpoint has tens of thousands of tensors.
        if (begin > end) {
            throw refuse(name, "has data_offsets [" + begin + ", " + end + "], which run backwards");
        }
        if (end > fileBytes - dataStart) {
            throw refuse(
                    name,
                    String.format(
                            Locale.ROOT,
                            "ends at data byte %,d but the file's data has %,d: the file is truncated",
                            end,
                            fileBytes - dataStart));
        }
        Integer bits = ELEMENT_BITS.get(dtype);
        if (bits != null) {
            long bytes = bits / 8;
            for (long axis : shape) {
                if (axis != 0 && bytes > fileBytes / axis) {
                    throw refuse(name, "has shape " + shape + " of " + dtype + ", more than the whole file");
                }
                bytes *= axis;
            }
            if (bytes != end - begin) {
                throw refuse(
                        name,
                        "has shape " + shape + " of " + dtype + ", " + bytes + " bytes, but data_offsets of "
                                + (end - begin));
            }
        }
        return new SafetensorsFile.Entry(name, dtype, List.copyOf(shape), dataStart + begin, dataStart + end);
    }

    private List<Long> numbers(String name, String key) throws IOException {
        expect(in.currentToken() == JsonToken.START_ARRAY, name, "has a " + key + " that is no list");
        List<Long> numbers = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            boolean isCount = in.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && in.getNumberType() != JsonParser.NumberType.BIG_INTEGER
                    && in.getLongValue() >= 0;
            if (!isCount) {
                throw refuse(
                        name, "has a " + key + " with " + in.getText() + ", which is no count of bytes or elements");
            }
            if (numbers.size() >= MAX_AXES) {
                throw refuse(name, "has a " + key + " of more than " + MAX_AXES + " numbers");
            }
            numbers.add(in.getLongValue());
        }
        return numbers;
    }

    private void expect(boolean isRight, @Nullable String tensor, String complaint) {
        if (!isRight) {
            throw refuse(tensor, complaint);
        }
    }

    private ConfigException refuse(@Nullable String tensor, String complaint) {
        return new ConfigException(fileName + ": " + (tensor != null ? "tensor " + tensor + " " : "") + complaint);
    }
}
