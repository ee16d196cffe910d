package io.millrace.job.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.millrace.engine.ConfigException;
import io.millrace.engine.model.MemoryPlan;
import io.millrace.engine.model.ModelConfig;
import io.millrace.engine.model.ModelFolder;
import io.millrace.engine.model.ModelReport;
import io.millrace.engine.model.ProgressListener;
import io.millrace.engine.model.RandomWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Looks at checkpoints, and makes random ones. */
@Command(
        name = "model",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Looks at model folders, and makes random ones.")
final class ModelCommand {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long SHARD_BYTES = 4L << 30;
    private static final double GIB = 1L << 30;

    @Command(
            name = "inspect",
            mixinStandardHelpOptions = true,
            description = "Parameters, bytes and shapes of a model; with --gpus, the parallel plans that fit.")
    int inspect(
            @Mixin Terminal terminal,
            @Parameters(arity = "0..1", paramLabel = "DIR", description = "Model folder, or a config.json.") @Nullable
                    Path dir,
            @Option(names = "--model", paramLabel = "DIR", description = "The same as DIR. Default: the shipped model.")
                    @Nullable
                    Path model,
            @Option(names = "--config", paramLabel = "FILE", description = "A config.json instead of a folder.")
                    @Nullable
                    Path config,
            @Mixin GpuSizing sizing) {
        Path path = config != null ? config : first(dir, model);
        ModelReport report = Files.isRegularFile(path)
                ? ModelReport.of(path.toString(), ModelConfig.read(path))
                : ModelReport.of(ModelFolder.open(path));
        List<MemoryPlan> plans = sizing.isAsked() ? sizing.plans(report.config()) : List.of();
        if (terminal.isJson()) {
            ObjectNode json = json(report);
            if (sizing.isAsked()) {
                sizing.json(json.putArray("plans"), plans);
            }
            terminal.result(json.toString());
            return Main.DONE;
        }
        print(terminal, report);
        if (sizing.isAsked()) {
            sizing.print(terminal, plans);
        }
        return Main.DONE;
    }

    private static void print(Terminal terminal, ModelReport report) {
        ModelConfig c = report.config();
        row(terminal, "model", report.name());
        row(terminal, "parameters", "%,d (active per token %,d)", report.numParameters(), report.numActiveParameters());
        row(terminal, "MTP layers", "%d (%,d parameters)", c.numNextnPredictLayers(), report.numMtpParameters());
        row(terminal, "layers", "%d, the first %d dense", c.numHiddenLayers(), c.firstKDenseReplace());
        row(terminal, "hidden, vocabulary", "%d, %d", c.hiddenSize(), c.vocabSize());
        row(
                terminal,
                "heads",
                "%d (nope %d, rope %d, v %d)",
                c.numAttentionHeads(),
                c.qkNopeHeadDim(),
                c.qkRopeHeadDim(),
                c.vHeadDim());
        row(terminal, "latent", "%d + %d rope", c.kvLoraRank(), c.qkRopeHeadDim());
        row(
                terminal,
                "experts",
                "%d routed, %d per token, %d shared",
                c.nRoutedExperts(),
                c.numExpertsPerTok(),
                c.nSharedExperts());
        row(
                terminal,
                "routing",
                "%s, %s",
                c.isNoauxTc()
                        ? "sigmoid with bias, " + c.topkGroup() + " of " + c.nGroup() + " groups"
                        : "greedy softmax",
                c.normTopkProb() ? "normalised" : "not normalised");
        row(terminal, "linear layers", "%s", linearFormat(c));
        row(terminal, "context", "%,d tokens", c.maxPositionEmbeddings());
        row(
                terminal,
                "weights",
                "%,d bytes: e4m3 %,d, scales %,d, other %,d",
                report.weightBytes(),
                report.e4m3Bytes(),
                report.scaleBytes(),
                report.otherBytes());
        row(
                terminal,
                "KV per token",
                "%,d bytes on cpu (f32), %,d on cuda (bf16)",
                c.kvBytesPerToken(4),
                c.kvBytesPerToken(2));
        row(
                terminal,
                "files",
                "%d shards, %d tensors, %.2f GiB",
                report.numShards(),
                report.numTensors(),
                report.fileBytes() / GIB);
    }

    private static void row(Terminal terminal, String name, String format, Object... values) {
        terminal.say(String.format(Locale.ROOT, "%-20s", name) + String.format(Locale.ROOT, format, values));
    }

    private static String linearFormat(ModelConfig config) {
        return config.linearFormat().name().toLowerCase(Locale.ROOT);
    }

    private static ObjectNode json(ModelReport r) {
        ObjectNode json = JSON.createObjectNode();
        json.put("model", r.name());
        json.put("parameters", r.numParameters());
        json.put("active_parameters", r.numActiveParameters());
        json.put("mtp_parameters", r.numMtpParameters());
        json.put("layers", r.config().numHiddenLayers());
        json.put("hidden_size", r.config().hiddenSize());
        json.put("vocab_size", r.config().vocabSize());
        json.put("max_position_embeddings", r.config().maxPositionEmbeddings());
        json.put("linear_format", linearFormat(r.config()));
        json.put("weight_bytes", r.weightBytes());
        json.put("e4m3_bytes", r.e4m3Bytes());
        json.put("scale_bytes", r.scaleBytes());
        json.put("other_bytes", r.otherBytes());
        json.put("kv_bytes_per_token_cpu", r.config().kvBytesPerToken(4));
        json.put("kv_bytes_per_token_cuda", r.config().kvBytesPerToken(2));
        json.put("file_bytes", r.fileBytes());
        json.put("shards", r.numShards());
        json.put("tensors", r.numTensors());
        return json;
    }

    @Command(
            name = "hash",
            mixinStandardHelpOptions = true,
            description = "Content hash of a model folder, as in every completion's provenance.")
    int hash(
            @Mixin Terminal terminal,
            @Parameters(arity = "0..1", paramLabel = "DIR", description = "Model folder.") @Nullable Path dir,
            @Option(names = "--model", paramLabel = "DIR", description = "The same as DIR. Default: the shipped model.")
                    @Nullable
                    Path model) {
        String hash = ModelFolder.open(first(dir, model)).hash(ProgressListener.NONE);
        terminal.result(
                terminal.isJson() ? JSON.createObjectNode().put("hash", hash).toString() : hash);
        return Main.DONE;
    }

    @Command(
            name = "synthesize",
            mixinStandardHelpOptions = true,
            description = "Writes a checkpoint with random weights for a config.json; no tokenizer.")
    int synthesize(
            @Mixin Terminal terminal,
            @Option(names = "--config", required = true, paramLabel = "FILE", description = "A config.json.")
                    Path config,
            @Option(names = "--output", required = true, paramLabel = "DIR", description = "New or empty folder.")
                    Path output,
            @Option(names = "--seed", defaultValue = "0", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
                    long seed,
            @Option(
                            names = "--set",
                            paramLabel = "KEY=VALUE",
                            description = "Overrides a key of the config; may be repeated.")
                    @Nullable
                    Map<String, String> overrides) {
        RandomWeights.write(
                output,
                configJson(config, overrides == null ? Map.of() : overrides),
                seed,
                SHARD_BYTES,
                ProgressListener.NONE);
        if (terminal.isJson()) {
            terminal.result(
                    JSON.createObjectNode().put("output", output.toString()).toString());
        } else {
            terminal.say("wrote " + output);
        }
        return Main.DONE;
    }

    private static String configJson(Path file, Map<String, String> overrides) {
        try {
            String text = Files.readString(file);
            if (overrides.isEmpty()) {
                return text;
            }
            JsonNode json = JSON.readTree(text);
            if (!(json instanceof ObjectNode object)) {
                throw new ConfigException(file + " is no JSON object");
            }
            new LinkedHashMap<>(overrides).forEach((key, value) -> object.set(key, value(value)));
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(object);
        } catch (IOException e) {
            throw new ConfigException("can't read " + file + ": " + e, e);
        }
    }

    /** A number, true, null … or else the text itself. */
    private static JsonNode value(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            return TextNode.valueOf(text);
        }
    }

    private static Path first(@Nullable Path a, @Nullable Path b) {
        return a != null ? a : b != null ? b : Home.tinyR1();
    }
}
