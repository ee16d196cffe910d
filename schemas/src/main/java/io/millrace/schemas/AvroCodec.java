package io.millrace.schemas;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Locale;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;

/**
 * One generated record in Avro's single-object encoding: {@code c3 01}, the schema's CRC-64-AVRO fingerprint
 * (little-endian), then the binary form. The newest version of a schema is written, every older one is
 * read. Any thread.
 *
 * @param <R> the generated class
 */
final class AvroCodec<R extends SpecificRecord> {
    private static final int HEADER_BYTES = 10;
    private static final AvroRecords RECORDS = new AvroRecords();

    /** One version of the schema. */
    private record Version(Schema schema, long fingerprint) {
        static Version of(Schema schema) {
            return new Version(schema, SchemaNormalization.parsingFingerprint64(schema));
        }
    }

    private final Version newest;
    private final Version first;

    /**
     * Makes one.
     *
     * @param schema the newest version
     * @param firstVersion name of the first version's file in this module's resources
     */
    AvroCodec(Schema schema, String firstVersion) {
        newest = Version.of(schema);
        try (InputStream in = AvroCodec.class.getResourceAsStream("avro/" + firstVersion)) {
            first = Version.of(new Schema.Parser().parse(in));
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + firstVersion + " from the jar", e);
        }
    }

    byte[] encode(R datum) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        bytes.writeBytes(header().array());
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
        try {
            new SpecificDatumWriter<R>(newest.schema, RECORDS).write(datum, encoder);
            encoder.flush();
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory", e);
        }
        return bytes.toByteArray();
    }

    /** Reads a value that {@link WireText#checkSize} has seen. */
    R decode(byte[] value) throws WireException {
        Schema writer = writerOf(value);
        AvroCheck.check(writer, value, HEADER_BYTES);
        BinaryDecoder decoder =
                DecoderFactory.get().binaryDecoder(value, HEADER_BYTES, value.length - HEADER_BYTES, null);
        try {
            return new SpecificDatumReader<R>(writer, newest.schema, RECORDS).read(null, decoder);
        } catch (IOException e) {
            throw new IllegalStateException("AvroCheck let bytes pass that Avro can't read", e);
        }
    }

    private ByteBuffer header() {
        return ByteBuffer.allocate(HEADER_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) 0xc3)
                .put((byte) 0x01)
                .putLong(newest.fingerprint);
    }

    private Schema writerOf(byte[] value) throws WireException {
        if (value.length < HEADER_BYTES || value[0] != (byte) 0xc3 || value[1] != 0x01) {
            throw new WireException(
                    "",
                    0,
                    "is not Avro's single-object encoding (c3 01 and the schema's fingerprint): check content-type");
        }
        long found = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong(2);
        for (Version version : List.of(newest, first)) {
            if (found == version.fingerprint) {
                return version.schema;
            }
        }
        String reason = String.format(
                Locale.ROOT,
                "was written with the schema of fingerprint %016x, but %s is %016x: use our .avsc",
                found,
                newest.schema.getName(),
                newest.fingerprint);
        throw new WireException("", 2, reason);
    }
}
