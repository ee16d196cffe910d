package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.IOException;

/** Writes the rows of one file of the output. Thread: the run's. */
interface RowWriter extends Closeable {
    /** Appends a row. */
    void write(ObjectNode row) throws IOException;
}
