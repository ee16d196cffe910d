package io.millrace.operators;

import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineConfig;
import io.millrace.engine.Parallelism;
import io.millrace.schemas.ContentType;
import java.io.Serializable;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Everything {@code ContinuousBatchOperator} needs; travels with the job graph. Its text shows no secret; the source of cancels may hold
 * one, as the sources and sinks of the graph do.
 *
 * @param modelFolder path of the model folder on the task managers
 * @param backend {@code cpu} or {@code cuda}
 * @param numThreads see {@link EngineConfig}
 * @param maxNumSeqs see {@link EngineConfig}
 * @param maxNumBatchedTokens see {@link EngineConfig}
 * @param maxModelLen see {@link EngineConfig}
 * @param kvCacheBytes see {@link EngineConfig}
 * @param isPrefixCacheOn see {@link EngineConfig}
 * @param numDraftTokens see {@link EngineConfig}
 * @param parallelism see {@link EngineConfig}
 * @param samplingDefaultsJson the command line's sampling as a JSON object in wire names, empty = none
 * @param maxInFlightRequests requests that one subtask holds at most
 * @param maxInFlightBytes bytes of values that one subtask holds at most (one request is always let in)
 * @param maxRequestBytes bytes of one value at most
 * @param maxCompletionBytes bytes of one encoded completion at most; a larger one goes to the dead letters
 * @param defaultContentType codec of records without a content-type header; completions use their prompt's
 * @param isStrict unknown fields are errors
 * @param metricsPorts where each task manager serves its metrics to Prometheus, null = nowhere
 * @param isRestartOnModelChange after a restore with another model: start unfinished requests anew (else refuse)
 * @param serving how requests are served beside each other
 */
public record BatchSettings(
        String modelFolder,
        String backend,
        int numThreads,
        int maxNumSeqs,
        int maxNumBatchedTokens,
        int maxModelLen,
        long kvCacheBytes,
        boolean isPrefixCacheOn,
        int numDraftTokens,
        Parallelism parallelism,
        String samplingDefaultsJson,
        int maxInFlightRequests,
        long maxInFlightBytes,
        int maxRequestBytes,
        int maxCompletionBytes,
        ContentType defaultContentType,
        boolean isStrict,
        @Nullable PortRange metricsPorts,
        boolean isRestartOnModelChange,
        ServingSettings serving)
        implements Serializable {

    /** Checks the bounds; the engine checks its own. */
    public BatchSettings {
        atLeastOne("max-in-flight-requests", maxInFlightRequests);
        atLeastOne("max-in-flight-bytes", maxInFlightBytes);
        atLeastOne("max-request-bytes", maxRequestBytes);
        atLeastOne("max-completion-bytes", maxCompletionBytes);
    }

    private static void atLeastOne(String name, long value) {
        if (value < 1) {
            throw new ConfigException(name + " is " + value + " but must be at least 1");
        }
    }

    /**
     * Returns the engine's part, with the command line's sampling.
     *
     * @throws ConfigException if the sampling defaults are wrong
     */
    public EngineConfig engineConfig() {
        EngineConfig config = new EngineConfig(
                Path.of(modelFolder),
                backend,
                numThreads,
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                kvCacheBytes,
                isPrefixCacheOn,
                numDraftTokens,
                SamplingLayers.ofCommandLine(samplingDefaultsJson));
        return config.withAdmission(serving.admission())
                .withStepTimeout(serving.stepTimeout())
                .withParallelism(parallelism);
    }
}
