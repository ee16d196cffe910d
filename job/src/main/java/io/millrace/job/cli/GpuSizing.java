package io.millrace.job.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.engine.model.MemoryPlan;
import io.millrace.engine.model.ModelConfig;
import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The part of {@code model inspect} that says which parallel plan fits so many GPUs. */
final class GpuSizing {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,15}(?:\\.\\d{1,6})?) ?(B|MB|GB|MiB|GiB)?");
    private static final double GB = 1e9;
    private static final String DEFAULT_MEMORY = "141GB";

    @Option(names = "--gpus", paramLabel = "N", description = "Show which parallel plans fit N equal GPUs.")
    private int numGpus;

    @Option(
            names = "--gpu-memory",
            paramLabel = "SIZE",
            description = "Memory of each (GB = 10^9, GiB = 2^30). Default: " + DEFAULT_MEMORY + ".")
    private @Nullable String memory;

    @Option(
            names = "--gpu-memory-utilization",
            defaultValue = "0.9",
            paramLabel = "F",
            description = "Share of it for weights, workspace and KV. Default: ${DEFAULT-VALUE}.")
    private BigDecimal utilization = BigDecimal.ONE;

    @Option(
            names = "--max-num-seqs",
            defaultValue = "1024",
            paramLabel = "N",
            description = "Sequences running together on all GPUs. Default: ${DEFAULT-VALUE}.")
    private int maxNumSeqs;

    @Option(
            names = "--max-num-batched-tokens",
            defaultValue = "0",
            paramLabel = "N",
            description = "Tokens of a step on all GPUs; 0 = 512, or twice max-num-seqs. Default: ${DEFAULT-VALUE}.")
    private int maxNumBatchedTokens;

    @Option(
            names = "--draft-tokens",
            defaultValue = "0",
            paramLabel = "N",
            description = "More than 0: with MTP layers.")
    private int numDraftTokens;

    @Option(
            names = "--tokens",
            split = ",",
            defaultValue = "2000,8192,32768,131072",
            paramLabel = "N",
            description = "Prompt plus answer of a user. Default: ${DEFAULT-VALUE}.")
    private List<Integer> contextTokens = List.of();

    /**
     * Returns whether plans are wanted.
     *
     * @throws ConfigException if a size is given but no number of GPUs
     */
    boolean isAsked() {
        if (numGpus == 0 && memory != null) {
            throw new ConfigException(
                    "gpu-memory is " + memory + " but gpus isn't given: add --gpus N, or leave gpu-memory out");
        }
        return numGpus != 0;
    }

    List<MemoryPlan> plans(ModelConfig config) {
        for (int tokens : contextTokens) {
            if (tokens < 1) {
                throw new ConfigException("tokens is " + tokens + " but must be at least 1");
            }
        }
        int step = maxNumBatchedTokens != 0
                ? maxNumBatchedTokens
                : Math.max(512, (int) Math.min(Integer.MAX_VALUE, (2L + numDraftTokens) * maxNumSeqs));
        return MemoryPlan.all(
                config, new MemoryPlan.Demand(numGpus, usableBytes(), maxNumSeqs, step, numDraftTokens > 0));
    }

    private long usableBytes() {
        if (utilization.signum() <= 0 || utilization.compareTo(BigDecimal.ONE) > 0) {
            throw new ConfigException(
                    "gpu-memory-utilization is " + utilization + " but must be above 0 and at most 1");
        }
        return utilization
                .multiply(BigDecimal.valueOf(sizeBytes(memory == null ? DEFAULT_MEMORY : memory)))
                .longValue();
    }

    /** Reads {@code 141GB}, {@code 80 GiB}, {@code 1000000000}. */
    static long sizeBytes(String text) {
        Matcher matcher = SIZE.matcher(text.strip());
        if (!matcher.matches()) {
            throw new ConfigException("gpu-memory is " + text + " but must be a size such as 141GB or 80GiB");
        }
        String unitName = matcher.group(2);
        long unit = switch (unitName == null ? "B" : unitName) {
            case "MB" -> 1_000_000L;
            case "GB" -> 1_000_000_000L;
            case "MiB" -> 1L << 20;
            case "GiB" -> 1L << 30;
            default -> 1L;
        };
        BigDecimal bytes = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unit));
        if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw new ConfigException("gpu-memory is " + text + " but must be less than 2^63 bytes");
        }
        return bytes.longValue();
    }

    void print(Terminal terminal, List<MemoryPlan> plans) {
        terminal.say(String.format(
                Locale.ROOT,
                "%nplans for %d GPUs, %,d bytes of each usable; users: with so many tokens each",
                numGpus,
                usableBytes()));
        StringBuilder head = new StringBuilder(String.format(
                Locale.ROOT, "%-16s%12s%12s%12s%14s", "plan", "weights GB", "work GB", "KV GB", "KV tokens"));
        contextTokens.forEach(tokens -> head.append(String.format(Locale.ROOT, "%12s", "× " + tokens)));
        terminal.say(head.toString());
        for (MemoryPlan plan : plans) {
            terminal.say(plan.fits() ? line(plan) : String.format("%-16sno: %s", plan.plan(), plan.refusal()));
        }
    }

    private String line(MemoryPlan plan) {
        StringBuilder line = new StringBuilder(String.format(
                Locale.ROOT,
                "%-16s%12.2f%12.2f%12.2f%,14d",
                plan.plan(),
                plan.weightBytes() / GB,
                plan.workspaceBytes() / GB,
                plan.kvPoolBytes() / GB,
                plan.kvTokens()));
        contextTokens.forEach(tokens -> line.append(String.format(Locale.ROOT, "%,12d", plan.users(tokens))));
        return line.toString();
    }

    void json(ArrayNode array, List<MemoryPlan> plans) {
        for (MemoryPlan plan : plans) {
            ObjectNode json = array.addObject();
            json.put("plan", plan.plan().toString());
            json.put("tp", plan.plan().tp());
            json.put("ep", plan.plan().ep());
            json.put("dp", plan.plan().dp());
            json.put("fits", plan.fits());
            if (plan.weightBytes() >= 0) {
                json.put("weight_bytes", plan.weightBytes());
                json.put("workspace_bytes", plan.workspaceBytes());
            }
            json.put("kv_pool_bytes", plan.kvPoolBytes());
            json.put("kv_tokens", plan.kvTokens());
            if (plan.refusal() != null) {
                json.put("reason", plan.refusal());
            }
            ObjectNode users = json.putObject("users");
            contextTokens.forEach(tokens -> users.put(Integer.toString(tokens), plan.users(tokens)));
        }
    }
}
