package io.millrace.engine;

import io.millrace.engine.kv.KvBudget;
import io.millrace.engine.kv.KvPool;
import io.millrace.engine.kv.RadixCache;
import io.millrace.engine.model.DeepSeekModel;
import io.millrace.engine.model.GenerationConfig;
import io.millrace.engine.model.ModelConfig;
import io.millrace.engine.model.ModelFolder;
import io.millrace.engine.run.RankGroup;
import io.millrace.engine.run.StepLimits;
import io.millrace.engine.run.StepRunner;
import io.millrace.engine.schedule.GroupPages;
import io.millrace.engine.schedule.Scheduler;
import io.millrace.engine.text.ChatTemplate;
import io.millrace.engine.text.Tokenizer;
import io.millrace.kernels.Backends;
import io.millrace.kernels.DeviceInfo;
import io.millrace.kernels.ParallelPlan;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What an {@link Engine} is made of; {@link #load} puts it together. */
record EngineParts(
        RankGroup ranks,
        ServedModel model,
        PromptReader promptReader,
        Scheduler<LiveSample> scheduler,
        StepRunner runner,
        EngineMetrics metrics,
        SampleEnd sampleEnd,
        AdmissionLimits admission) {
    private static final Logger LOG = LoggerFactory.getLogger(EngineParts.class);

    static EngineParts load(EngineConfig config, EngineMetrics metrics) {
        long start = System.nanoTime();
        ModelFolder folder = ModelFolder.open(config.modelFolder());
        StepLimits limits = stepLimits(config, folder.config());
        ParallelPlan plan = config.parallelism().plan();
        DeepSeekModel.check(folder, plan);
        int numThreads = config.numThreads() > 0
                ? config.numThreads()
                : Runtime.getRuntime().availableProcessors();
        RankGroup ranks = RankGroup.open(Backends.named(config.backend(), numThreads), plan);
        try {
            EngineParts parts = build(config, metrics, folder, limits, ranks);
            WarmUp.run(parts);
            System.gc(); // loading is over: what it needed goes back to the machine, where the JVM's flags allow it
            LOG.info(
                    "engine ready in {} s: {}",
                    String.format(Locale.ROOT, "%.1f", (System.nanoTime() - start) * 1e-9),
                    parts.model.name());
            return parts;
        } catch (RuntimeException | Error e) {
            ranks.close();
            throw e;
        } finally {
            metrics.bytesToLoad.set(0);
        }
    }

    /** Returns the same parts around another scheduler and its counters, without bounds on those who wait. */
    EngineParts withScheduler(Scheduler<LiveSample> other) {
        return new EngineParts(
                ranks, model, promptReader, other, runner, other.metrics(), sampleEnd, AdmissionLimits.NONE);
    }

    /** Returns the same parts, but of the model's layers only one of each kind. */
    EngineParts shallow() {
        return new EngineParts(ranks, model, promptReader, scheduler, runner.shallow(), metrics, sampleEnd, admission);
    }

    private static EngineParts build(
            EngineConfig config, EngineMetrics metrics, ModelFolder folder, StepLimits limits, RankGroup ranks) {
        ModelConfig modelConfig = folder.config();
        Tokenizer tokenizer = tokenizer(folder);
        int maxModelLen = maxModelLen(config, modelConfig);
        DeepSeekModel.Rows maxRows = new DeepSeekModel.Rows(limits.maxTokens(), limits.maxLogitRows());
        LoadProgress progress = new LoadProgress(metrics, ranks.plan().numRanks());
        List<DeepSeekModel> models = ranks.onEachRank(rank -> DeepSeekModel.load(
                folder, ranks.plan(), rank, limits.numDraftTokens() > 0, maxRows, progress.ofRank(rank.index())));
        DeviceInfo device = ranks.firstOfGroups().get(0).device().info();
        int numPages = KvBudget.numPages(
                config.kvCacheBytes(),
                models.get(0).kvBytesPerToken(),
                maxModelLen,
                limits.maxSeqs(),
                memoryBytes(device, ranks.plan()));
        GenerationConfig generation = folder.generationConfig();
        int[] endIds =
                generation.eosTokenIds().stream().mapToInt(Integer::intValue).toArray();
        StepRunner runner = StepRunner.of(
                ranks,
                models,
                new StepRunner.Pages(numPages, KvBudget.PAGE_TOKENS),
                limits,
                Math.min(tokenizer.numTokens(), modelConfig.vocabSize()),
                endIds);
        logReady(folder.name(), device, ranks.plan(), numPages);
        ServedModel served = new ServedModel(
                folder.name(),
                models.get(0).hash(),
                ranks.backendName(),
                ranks.plan().toString(),
                maxModelLen,
                config.defaults().orElse(generation.defaults()),
                tokenizer);
        ChatTemplate template =
                tokenizer.hasText() ? ChatTemplate.of(tokenizer, required(folder, "tokenizer_config.json")) : null;
        return new EngineParts(
                ranks,
                served,
                new PromptReader(tokenizer, template, maxModelLen, modelConfig.maxPositionEmbeddings()),
                scheduler(config, ranks.plan().dp(), numPages, served.hash(), metrics),
                runner,
                metrics,
                new SampleEnd(endIds),
                config.admission());
    }

    /** Returns the sizes of a group's steps: its share of what the options give to all groups together. */
    private static StepLimits stepLimits(EngineConfig config, ModelConfig model) {
        int numDrafts = numDraftTokens(config, model);
        int decodeRows = config.maxNumSeqs() * (1 + numDrafts);
        if (config.stepTokens() < decodeRows) {
            LOG.warn(
                    "max-num-batched-tokens {} is below max-num-seqs × (1 + draft-tokens) = {}: while so many rows decode, no prompt"
                            + " is begun; raise it",
                    config.stepTokens(),
                    decodeRows);
        }
        int maxPages = (maxModelLen(config, model) + KvBudget.PAGE_TOKENS - 1) / KvBudget.PAGE_TOKENS;
        return new StepLimits(config.stepTokens(), config.maxNumSeqs(), maxPages, numDrafts)
                .share(config.parallelism().dataParallelSize());
    }

    /** Returns what a rank's device has; cpu ranks share one heap. */
    private static long memoryBytes(DeviceInfo device, ParallelPlan plan) {
        return device.backend().equals("cpu") ? device.totalBytes() / plan.numRanks() : device.totalBytes();
    }

    private static void logReady(String name, DeviceInfo device, ParallelPlan plan, int numPages) {
        LOG.info(
                "{} on {} ({}), plan {}, a KV pool of {} pages of {} tokens on each rank",
                name,
                device.name(),
                device.description(),
                plan,
                numPages,
                KvBudget.PAGE_TOKENS);
    }

    private static Scheduler<LiveSample> scheduler(
            EngineConfig config, int numGroups, int numPages, String modelHash, EngineMetrics metrics) {
        List<GroupPages> pages = new ArrayList<>();
        for (int g = 0; g < numGroups; g++) {
            KvPool pool = new KvPool(numPages, KvBudget.PAGE_TOKENS);
            pages.add(new GroupPages(
                    pool,
                    config.isPrefixCacheOn()
                            ? new RadixCache(pool, modelHash.getBytes(StandardCharsets.US_ASCII))
                            : null));
        }
        return new Scheduler<>(pages, config.maxNumSeqs(), config.stepTokens(), config.numDraftTokens(), metrics);
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
