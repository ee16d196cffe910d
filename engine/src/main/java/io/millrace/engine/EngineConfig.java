package io.millrace.engine;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Everything an engine needs to start. Option names are vLLM's.
 *
 * @param modelFolder checkpoint as published
 * @param backend {@code cpu} or {@code cuda}
 * @param numThreads worker threads of the cpu back end, all ranks together; 0 = all cores
 * @param maxNumSeqs sequences running together at most ({@code --max-num-seqs}, {@code --concurrency}), ≥ 1
 * @param maxNumBatchedTokens tokens of one step: decode rows first, the rest prefill chunks; 0 = 512, or {@link #maxNumSeqs} times two
 *     plus the draft tokens if that is more
 * @param maxModelLen prompt plus generated tokens at most; 0 = what the model allows
 * @param kvCacheBytes size of each rank's KV pool; 0 = as {@link #maxNumSeqs} sequences of {@link #maxModelLen} need (data parallel groups: their
 *     share), at most a quarter of the memory
 * @param isPrefixCacheOn whether prompts that begin with the same tokens share what was computed ({@code --prefix-cache})
 * @param numDraftTokens tokens that the MTP layer proposes per sequence and step ({@code --draft-tokens}); 0 = none
 * @param defaults sampling when a request doesn't say: command line over generation_config.json
 * @param admission how many may wait before requests are refused
 * @param stepTimeout a step that takes longer breaks the engine ({@code --step-timeout}); zero = never
 * @param parallelism how many devices it is spread over
 */
public record EngineConfig(
        Path modelFolder,
        String backend,
        int numThreads,
        int maxNumSeqs,
        int maxNumBatchedTokens,
        int maxModelLen,
        long kvCacheBytes,
        boolean isPrefixCacheOn,
        int numDraftTokens,
        SamplingOptions defaults,
        AdmissionLimits admission,
        Duration stepTimeout,
        Parallelism parallelism) {

    /** Each further draft is right less often; the layer was trained for one. */
    public static final int MAX_DRAFT_TOKENS = 8;
    /** Longer than any step that makes progress: a prefill chunk of 512 tokens on a slow machine takes seconds. */
    public static final Duration STEP_TIMEOUT = Duration.ofMinutes(10);

    /** On one device, without bounds on those who wait, with {@link #STEP_TIMEOUT}. */
    public EngineConfig(
            Path modelFolder,
            String backend,
            int numThreads,
            int maxNumSeqs,
            int maxNumBatchedTokens,
            int maxModelLen,
            long kvCacheBytes,
            boolean isPrefixCacheOn,
            int numDraftTokens,
            SamplingOptions defaults) {
        this(
                modelFolder,
                backend,
                numThreads,
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                kvCacheBytes,
                isPrefixCacheOn,
                numDraftTokens,
                defaults,
                AdmissionLimits.NONE,
                STEP_TIMEOUT,
                Parallelism.NONE);
    }

    /** The embedded default for a model folder. */
    public static EngineConfig of(Path modelFolder) {
        return new EngineConfig(modelFolder, "cpu", 0, 64, 0, 0, 0, true, 0, SamplingOptions.NONE);
    }

    /** Checks the ranges. */
    public EngineConfig {
        check(numThreads >= 0, "threads", numThreads, "0 (all cores) or more");
        check(maxNumSeqs >= 1, "max-num-seqs", maxNumSeqs, "at least 1");
        check(maxNumBatchedTokens >= 0, "max-num-batched-tokens", maxNumBatchedTokens, "0 (chosen) or more");
        check(maxModelLen >= 0, "max-model-len", maxModelLen, "0 (what the model allows) or more");
        check(kvCacheBytes >= 0, "kv-cache-bytes", kvCacheBytes, "0 (chosen) or more");
        check(
                numDraftTokens >= 0 && numDraftTokens <= MAX_DRAFT_TOKENS,
                "draft-tokens",
                numDraftTokens,
                "0 (none) to " + MAX_DRAFT_TOKENS);
        check(!stepTimeout.isNegative(), "step-timeout", stepTimeout.toMillis(), "0 (never) or more");
    }

    /** Returns the same configuration with bounds on those who wait. */
    public EngineConfig withAdmission(AdmissionLimits limits) {
        return with(limits, stepTimeout, parallelism);
    }

    /** Returns the same configuration with a bound on a step's time. */
    public EngineConfig withStepTimeout(Duration timeout) {
        return with(admission, timeout, parallelism);
    }

    /** Returns the same configuration over several devices. */
    public EngineConfig withParallelism(Parallelism devices) {
        return with(admission, stepTimeout, devices);
    }

    private EngineConfig with(AdmissionLimits limits, Duration timeout, Parallelism devices) {
        return new EngineConfig(
                modelFolder,
                backend,
                numThreads,
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                kvCacheBytes,
                isPrefixCacheOn,
                numDraftTokens,
                defaults,
                limits,
                timeout,
                devices);
    }

    /** Returns the tokens of one step, chosen or given. */
    int stepTokens() {
        return maxNumBatchedTokens > 0 ? maxNumBatchedTokens : Math.max(512, (2 + numDraftTokens) * maxNumSeqs);
    }

    static void check(boolean isRight, String name, long value, String range) {
        if (!isRight) {
            throw new ConfigException(name + " is " + value + " but must be " + range);
        }
    }
}
