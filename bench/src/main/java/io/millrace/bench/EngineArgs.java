package io.millrace.bench;

import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineConfig;
import io.millrace.engine.Parallelism;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.kv.KvBudget;
import io.millrace.engine.model.ModelFolder;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Options of the engine that is measured, and the configuration that they give. */
final class EngineArgs {
    @Option(
            names = "--backend",
            paramLabel = "cpu|cuda",
            defaultValue = "cpu",
            description = "What computes. Default: ${DEFAULT-VALUE}.")
    private String backend = "cpu";

    @Option(
            names = "--tensor-parallel-size",
            paramLabel = "N",
            defaultValue = "1",
            description = "Devices that share heads and columns. Default: ${DEFAULT-VALUE}.")
    private int tensorParallelSize;

    @Option(
            names = "--data-parallel-size",
            paramLabel = "N",
            defaultValue = "1",
            description = "Groups of such devices, each with requests of its own. Default: ${DEFAULT-VALUE}.")
    private int dataParallelSize;

    @Option(names = "--enable-expert-parallel", description = "Routed experts are whole, each on one of all devices.")
    private boolean isExpertParallel;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Worker threads. Default: 0 = all cores.")
    private int numThreads;

    @Option(
            names = "--max-num-batched-tokens",
            paramLabel = "TOKENS",
            defaultValue = "0",
            description = "Tokens of one step at most. Default: 0 = 512, or concurrency × (2 + draft tokens).")
    private int maxNumBatchedTokens;

    @Option(
            names = "--max-model-len",
            paramLabel = "TOKENS",
            defaultValue = "0",
            description = "Context. Default: 0 = prompt and completion, and a page.")
    private int maxModelLen;

    @Option(
            names = "--kv-cache-bytes",
            paramLabel = "BYTES",
            defaultValue = "0",
            description = "Size of the KV pool. Default: 0 = as all sequences need, at most a quarter of the heap.")
    private long kvCacheBytes;

    @Option(
            names = "--draft-tokens",
            paramLabel = "N",
            defaultValue = "0",
            description = "Drafts of the MTP layer per sequence and step. Default: ${DEFAULT-VALUE}.")
    private int draftTokens;

    @Option(
            names = "--prefix-cache",
            paramLabel = "on|off",
            defaultValue = "off",
            description = "Share what prompts begin with. Default: ${DEFAULT-VALUE}: all are computed.")
    private String prefixCache = "off";

    /** Returns the size of the KV pool that was asked for; 0 = as needed. */
    long kvCacheBytes() {
        return kvCacheBytes;
    }

    /**
     * Checks what doesn't depend on the run.
     *
     * @throws ConfigException saying which option is wrong
     */
    void check() {
        ServingBench.atLeast(0, "--max-num-batched-tokens", maxNumBatchedTokens);
        if (!prefixCache.equals("on") && !prefixCache.equals("off")) {
            throw new ConfigException("--prefix-cache is " + prefixCache + " but must be on or off");
        }
    }

    /**
     * Checks the context.
     *
     * @param tokens of a prompt and its completion
     * @throws ConfigException if it is too short
     */
    void checkFits(int tokens) {
        if (maxModelLen != 0 && maxModelLen < tokens) {
            throw new ConfigException("--max-model-len is " + maxModelLen + " but prompt and completion have " + tokens
                    + " tokens: raise it or leave it out");
        }
    }

    /** Returns the configuration for one concurrency. */
    EngineConfig config(Path model, Workload workload) {
        return new EngineConfig(
                        model.toAbsolutePath(),
                        backend,
                        numThreads,
                        workload.concurrency(),
                        maxNumBatchedTokens,
                        maxModelLen == 0 ? contextTokens(model, workload) : maxModelLen,
                        kvCacheBytes,
                        prefixCache.equals("on"),
                        draftTokens,
                        SamplingOptions.NONE)
                .withParallelism(new Parallelism(tensorParallelSize, dataParallelSize, isExpertParallel));
    }

    /** Returns prompt and completion and a page more, so that the scheduler's spare pages keep no sequence waiting. */
    private static int contextTokens(Path model, Workload workload) {
        int modelAllows = ModelFolder.open(model).config().maxPositionEmbeddings();
        int needed = workload.inputTokens() + workload.outputTokens();
        if (needed > modelAllows) {
            throw new ConfigException(String.format(
                    Locale.ROOT,
                    "prompt and completion have %,d tokens but the model allows %,d: lower --input-len or --output-len",
                    needed,
                    modelAllows));
        }
        return Math.min(modelAllows, needed + KvBudget.PAGE_TOKENS);
    }
}
