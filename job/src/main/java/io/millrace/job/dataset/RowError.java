package io.millrace.job.dataset;

import io.millrace.engine.RejectedException;

/** Why a row has no samples: as the error file says it. */
record RowError(String stage, String message, boolean isRetriable) {
    static RowError of(RejectedException e) {
        return new RowError(e.stage().wireName(), String.valueOf(e.getMessage()), e.isRetriable());
    }
}
