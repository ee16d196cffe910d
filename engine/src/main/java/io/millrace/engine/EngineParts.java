package io.millrace.engine;

import io.millrace.engine.kv.KvBudget;
import io.millrace.engine.kv.KvPool;
import io.millrace.engine.kv.RadixCache;
import io.millrace.engine.model.DeepSeekModel;
import io.millrace.engine.model.GenerationConfig;
import io.millrace.engine.model.ModelConfig;
import io.millrace.engine.model.ModelFolder;
import io.millrace.engine.model.ProgressListener;
import io.millrace.engine.run.ModelRunner;
import io.millrace.engine.run.StepLimits;
import io.millrace.engine.schedule.Scheduler;
import io.millrace.engine.text.ChatTemplate;
import io.millrace.engine.text.Tokenizer;
import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.DeviceInfo;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What an {@link Engine} is made of; {@link #load} puts it together. */
record EngineParts(
        Backend backend,
        ServedModel model,
        PromptReader promptReader,
        Scheduler<LiveSample> scheduler,
        Rank rank,
        ModelRunner runner,
        EngineMetrics metrics,
        SampleEnd sampleEnd,
        AdmissionLimits admission) {
    private static final Logger LOG = LoggerFactory.getLogger(EngineParts.class);

    static EngineParts load(EngineConfig config, EngineMetrics metrics) {
        long start = System.nanoTime();
        ModelFolder folder = ModelFolder.open(config.modelFolder());
        int numThreads = config.numThreads() > 0
                ? config.numThreads()
                : Runtime.getRuntime().availableProcessors();
        Backend backend = Backends.named(config.backend(), numThreads);
        try {
            EngineParts parts = build(config, metrics, folder, backend);
            WarmUp.run(parts);
            System.gc(); // loading is over: what it needed goes back to the machine, where the JVM's flags allow it
            LOG.info(
                    "engine ready in {} s: {}",
                    String.format(Locale.ROOT, "%.1f", (System.nanoTime() - start) * 1e-9),
                    parts.model.name());
            return parts;
        } catch (RuntimeException | Error e) {
            backend.close();
            throw e;
        } finally {
            metrics.bytesToLoad.set(0);
        }
    }

    /** Returns the same parts around another scheduler and its counters, without bounds on those who wait. */
    EngineParts withScheduler(Scheduler<LiveSample> other) {
        return new EngineParts(
                backend, model, promptReader, other, rank, runner, other.metrics(), sampleEnd, AdmissionLimits.NONE);
    }

    /** Returns the same parts, but of the model's layers only one of each kind. */
    EngineParts shallow() {
        return new EngineParts(
                backend, model, promptReader, scheduler, rank, runner.shallow(), metrics, sampleEnd, admission);
    }

    private static EngineParts build(EngineConfig config, EngineMetrics metrics, ModelFolder folder, Backend backend) {
        int decodeRows = config.maxNumSeqs() * (1 + config.numDraftTokens());
        if (config.stepTokens() < decodeRows) {
            LOG.warn(
                    "max-num-batched-tokens {} is below max-num-seqs × (1 + draft-tokens) = {}: while so many rows decode, no prompt"
                            + " is begun; raise it",
                    config.stepTokens(),
                    decodeRows);
        }
        ModelConfig modelConfig = folder.config();
        Tokenizer tokenizer = tokenizer(folder);
        int maxModelLen = maxModelLen(config, modelConfig);
        Rank rank = backend.open(ParallelPlan.SINGLE).get(0);
        int maxPages = (maxModelLen + KvBudget.PAGE_TOKENS - 1) / KvBudget.PAGE_TOKENS;
        StepLimits limits =
                new StepLimits(config.stepTokens(), config.maxNumSeqs(), maxPages, numDraftTokens(config, modelConfig));
        DeepSeekModel model = DeepSeekModel.load(
                folder,
                rank,
                limits.numDraftTokens() > 0,
                limits.maxTokens(),
                limits.maxLogitRows(),
                loadProgress(metrics));
        DeviceInfo device = rank.device().info();
        int numPages = KvBudget.numPages(
                config.kvCacheBytes(), model.kvBytesPerToken(), maxModelLen, config.maxNumSeqs(), device.totalBytes());
        GenerationConfig generation = folder.generationConfig();
        int[] endIds =
                generation.eosTokenIds().stream().mapToInt(Integer::intValue).toArray();
        ModelRunner runner = ModelRunner.of(
                model,
                model.allocateKv(numPages, KvBudget.PAGE_TOKENS),
                rank,
                limits,
                Math.min(tokenizer.numTokens(), modelConfig.vocabSize()),
                endIds);
        logReady(folder.name(), device, numPages);
        ServedModel served = new ServedModel(
                folder.name(),
                model.hash(),
                backend.name(),
                ParallelPlan.SINGLE.toString(),
                maxModelLen,
                config.defaults().orElse(generation.defaults()),
                tokenizer);
        ChatTemplate template =
                tokenizer.hasText() ? ChatTemplate.of(tokenizer, required(folder, "tokenizer_config.json")) : null;
        return new EngineParts(
                backend,
                served,
                new PromptReader(tokenizer, template, maxModelLen, modelConfig.maxPositionEmbeddings()),
                scheduler(config, numPages, served.hash(), metrics),
                rank,
                runner,
                metrics,
                new SampleEnd(endIds),
                config.admission());
    }

    private static ProgressListener loadProgress(EngineMetrics metrics) {
        return (doneBytes, totalBytes) -> {
            metrics.loadedBytes.set(doneBytes);
            metrics.bytesToLoad.set(totalBytes);
        };
    }

    private static void logReady(String name, DeviceInfo device, int numPages) {
        LOG.info(
                "{} on {} ({}), KV pool of {} pages of {} tokens",
                name,
                device.name(),
                device.description(),
                numPages,
                KvBudget.PAGE_TOKENS);
    }

    private static Scheduler<LiveSample> scheduler(
            EngineConfig config, int numPages, String modelHash, EngineMetrics metrics) {
        KvPool pool = new KvPool(numPages, KvBudget.PAGE_TOKENS);
        RadixCache cache =
                config.isPrefixCacheOn() ? new RadixCache(pool, modelHash.getBytes(StandardCharsets.US_ASCII)) : null;
        return new Scheduler<>(pool, cache, config.maxNumSeqs(), config.stepTokens(), config.numDraftTokens(), metrics);
    }

    private static int numDraftTokens(EngineConfig config, ModelConfig model) {
        if (config.numDraftTokens() > 0 && model.numNextnPredictLayers() == 0) {
            throw new ConfigException("draft-tokens is " + config.numDraftTokens()
                    + " but the model has no MTP layer (num_nextn_predict_layers is 0): set it to 0");
        }
        return config.numDraftTokens();
    }

    private static Tokenizer tokenizer(ModelFolder folder) {
        Path file = folder.file("tokenizer.json");
        if (file == null) {
            LOG.warn("{} has no tokenizer.json: prompts must be token ids, completions have no text", folder.path());
            return Tokenizer.ofIdsOnly(folder.config().vocabSize());
        }
        return Tokenizer.load(file);
    }

    private static Path required(ModelFolder folder, String fileName) {
        Path file = folder.file(fileName);
        if (file == null) {
            throw new ConfigException(
                    fileName + " is missing in model folder " + folder.path() + ": copy the published one there");
        }
        return file;
    }

    private static int maxModelLen(EngineConfig config, ModelConfig model) {
        int allowed = model.maxPositionEmbeddings();
        if (config.maxModelLen() > allowed) {
            throw new ConfigException(String.format(
                    Locale.ROOT,
                    "max-model-len is %,d but the model allows %,d: lower it",
                    config.maxModelLen(),
                    allowed));
        }
        return config.maxModelLen() == 0 ? allowed : config.maxModelLen();
    }
}
