package io.millrace.bench.torture;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.job.cli.Folders;
import io.millrace.job.local.ClusterSettings;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bench/torture}: prompts through a local cluster that is broken again and again. */
@Command(
        name = "torture",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Sends prompts through a cluster of real processes, kills and stops its parts by a seeded schedule, and compares every",
            "completion with that of an undisturbed run, byte for byte. A kill counts only when 16 requests or more were being decoded.",
            "Exit code 1: something was lost, doubled or changed."
        })
public final class Torture implements Callable<Integer> {
    @Option(names = "--prompts", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int prompts = 2_000;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            description = "Of an answer; each has from 30 to so many. Default: ${DEFAULT-VALUE}.")
    private int maxTokens = 400;

    @Option(names = "--kills", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int kills = 10;

    @Option(
            names = "--calm",
            paramLabel = "SECONDS",
            description =
                    "Before each kill it runs undisturbed for a random time up to this. Default: ${DEFAULT-VALUE}.")
    private int calm = 3;

    @Option(names = "--seed", paramLabel = "N", description = "Of prompts and schedule. Default: ${DEFAULT-VALUE}.")
    private long seed = 1;

    @Option(names = "--task-managers", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int taskManagers = 2;

    @Option(names = "--work", paramLabel = "DIR", description = "Default: a temporary folder, deleted afterwards.")
    private @Nullable Path work;

    @Option(names = "--json", description = "One JSON object on stdout, nothing else.")
    private boolean isJson;

    private final PrintStream out;
    private final PrintStream err;

    /**
     * Makes the command.
     *
     * @param out for the result
     * @param err for what happens meanwhile
     */
    public Torture(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        TorturePlan plan = new TorturePlan(prompts, maxTokens, kills, calm, seed);
        Path given = work;
        Path folder = given == null
                ? Files.createTempDirectory("millrace-torture-")
                : Files.createDirectories(given.toAbsolutePath());
        ClusterSettings settings = ClusterSettings.choose(folder.resolve("cluster"), taskManagers, 2, 1536);
        TortureRun run = new TortureRun(settings, plan, isJson ? null : err);
        TortureRun.Result result = run.execute(folder);
        out.println(isJson ? json(result).toString() : text(result));
        if (given == null && result.isClean()) {
            Folders.delete(folder);
        } else {
            err.println("logs and topics: " + folder);
        }
        return result.isClean() ? 0 : 1;
    }

    private ObjectNode json(TortureRun.Result r) {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.put("prompts", r.prompts());
        json.put(
                "kills", r.kills().values().stream().mapToInt(Integer::intValue).sum());
        json.put("seed", seed);
        ObjectNode kinds = json.putObject("kills_by_kind");
        r.kills().forEach((kind, n) -> kinds.put(kind.name().toLowerCase(Locale.ROOT), n));
        json.put("lost", r.lost());
        json.put("doubled", r.doubled());
        json.put("changed", r.changed());
        json.put("tokens_kept", r.tokensKept());
        json.put("tokens_regenerated", r.tokensRegenerated());
        json.put("completion_tokens", r.completionTokens());
        json.put("max_tokens", maxTokens);
        json.put("max_calm_seconds", calm);
        json.put("restarts_of_streamed_requests", r.streamed().numRestarts());
        json.put("kept_share_p10", r.streamed().keptShare(0.1));
        json.put("kept_share_p50", r.streamed().keptShare(0.5));
        json.put("recovery_p50_ms", r.recoveryMs(0.5));
        json.put("recovery_max_ms", r.recoveryMs(1));
        json.put("task_manager_recovery_p50_ms", r.taskManagerRecoveryMs(0.5));
        json.put("task_manager_recovery_max_ms", r.taskManagerRecoveryMs(1));
        var each = json.putArray("recoveries");
        r.recoveries()
                .forEach(v -> each.addObject()
                        .put("kind", v.kind().name().toLowerCase(Locale.ROOT))
                        .put("ms", v.ms()));
        json.put("seconds", r.seconds());
        return json;
    }

    private static String text(TortureRun.Result r) {
        String kinds = Arrays.stream(Kill.values())
                .map(k -> r.kills().getOrDefault(k, 0) + " "
                        + k.name().toLowerCase(Locale.ROOT).replace('_', ' '))
                .collect(Collectors.joining(", "));
        return String.format(
                Locale.ROOT,
                "%,d prompts, %d kills (%s): %d lost, %d doubled, %d changed%n"
                        + "%,d tokens kept, %,d made twice, %,d in all%n"
                        + "a restarted request kept %.1f %% of its text (median; of %d restarts of streamed requests)%n"
                        + "recovery: median %,d ms, longest %,d ms; of a task manager: median %,d ms, longest %,d ms%n"
                        + "%.0f s",
                r.prompts(),
                r.kills().values().stream().mapToInt(Integer::intValue).sum(),
                kinds,
                r.lost(),
                r.doubled(),
                r.changed(),
                r.tokensKept(),
                r.tokensRegenerated(),
                r.completionTokens(),
                100 * r.streamed().keptShare(0.5),
                r.streamed().numRestarts(),
                r.recoveryMs(0.5),
                r.recoveryMs(1),
                r.taskManagerRecoveryMs(0.5),
                r.taskManagerRecoveryMs(1),
                r.seconds());
    }
}
