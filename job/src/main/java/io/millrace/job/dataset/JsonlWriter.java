package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A JSON object per line. */
final class JsonlWriter implements RowWriter {
    private final OutputStream out;

    JsonlWriter(Path file) throws IOException {
        out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
    }

    @Override
    public void write(ObjectNode row) throws IOException {
        out.write(RowJson.MAPPER.writeValueAsBytes(row));
        out.write('\n');
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
