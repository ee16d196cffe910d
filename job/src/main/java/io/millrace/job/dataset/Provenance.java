package io.millrace.job.dataset;

import static io.millrace.job.dataset.DatasetPlan.line;

/**
 * What made a dataset, beside its plan.
 *
 * @param model served name
 * @param modelHash content hash of the model folder, hex
 * @param backend {@code cpu} or {@code cuda}
 * @param sampling resolved options of every sample but its seed
 * @param command as it was typed
 */
record Provenance(String model, String modelHash, String backend, String sampling, String command) {
    /** Returns everything that the rows of the output depend on, a line {@code name: value} each. */
    String settings() {
        return line("model", model)
                + line("model hash", modelHash)
                + line("backend", backend)
                + line("sampling", sampling);
    }
}
