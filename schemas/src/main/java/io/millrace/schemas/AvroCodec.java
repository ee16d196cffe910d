package io.millrace.schemas;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
 * (little-endian), then the binary form. Any thread.
 *
 * @param <R> the generated class
 */
final class AvroCodec<R extends SpecificRecord> {
    private static final int HEADER_BYTES = 10;
    private static final AvroRecords RECORDS = new AvroRecords();

    private final Schema schema;
    private final long fingerprint;

    AvroCodec(Schema schema) {
        this.schema = schema;
        this.fingerprint = SchemaNormalization.parsingFingerprint64(schema);
    }

    byte[] encode(R datum) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        bytes.writeBytes(header().array());
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
        try {
            new SpecificDatumWriter<R>(schema, RECORDS).write(datum, encoder);
            encoder.flush();
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory", e);
        }
        return bytes.toByteArray();
    }

    /** Reads a value that {@link WireText#checkSize} has seen. */
    R decode(byte[] value) throws WireException {
        checkHeader(value);
        AvroCheck.check(schema, value, HEADER_BYTES);
        BinaryDecoder decoder =
                DecoderFactory.get().binaryDecoder(value, HEADER_BYTES, value.length - HEADER_BYTES, null);
        try {
            return new SpecificDatumReader<R>(schema, schema, RECORDS).read(null, decoder);
        } catch (IOException e) {
            throw new IllegalStateException("AvroCheck let bytes pass that Avro can't read", e);
        }
    }

    private ByteBuffer header() {
        return ByteBuffer.allocate(HEADER_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) 0xc3)
                .put((byte) 0x01)
                .putLong(fingerprint);
    }

    private void checkHeader(byte[] value) throws WireException {
        if (value.length < HEADER_BYTES || value[0] != (byte) 0xc3 || value[1] != 0x01) {
            throw new WireException(
                    "",
                    0,
                    "is not Avro's single-object encoding (c3 01 and the schema's fingerprint): check content-type");
        }
        long found = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong(2);
        if (found != fingerprint) {
            String reason = String.format(
                    Locale.ROOT,
                    "was written with the schema of fingerprint %016x, but %s is %016x: use our .avsc",
                    found,
                    schema.getName(),
                    fingerprint);
            throw new WireException("", 2, reason);
        }
    }
}
