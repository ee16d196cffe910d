package io.millrace.job.dataset;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The input's rows, one after the other. Thread: the run's. */
interface RowSource extends Closeable {
    /** Returns the next row, null at the end. */
    @Nullable
    Row next() throws IOException;
}
