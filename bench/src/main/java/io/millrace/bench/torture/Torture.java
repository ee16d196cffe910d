package io.millrace.bench.torture;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.job.cli.Folders;
import io.millrace.job.local.ClusterSettings;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
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

    @Option(
            names = "--long-pauses",
            paramLabel = "N",
            description = {
                "So many times, after the kills, all task managers stand still beyond the transaction time-out (25 s then) while a commit",
                "is due: answers are lost, the job has to report it, and \"reconcile --publish\" mends it. Default: ${DEFAULT-VALUE}."
            })
    private int longPauses = 0;

    @Option(
            names = "--soak",
            paramLabel = "DURATION",
            description = {
                "Instead of all that: full load for so long (1h, 90s), nothing killed; compares memory, threads, file descriptors,",
                "transactions and latency of the first and the last 10 min. Exit code 1: something grew, p99 rose by more than 10 %%,",
                "something was lost or doubled. Uses --max-tokens, --seed, --task-managers and --work."
            })
    private @Nullable String soak;

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
        Duration length = soak == null ? null : duration(soak);
        TorturePlan plan = new TorturePlan(prompts, maxTokens, kills, calm, longPauses, seed);
        Path given = work;
        Path folder = given == null
                ? Files.createTempDirectory("millrace-torture-")
                : Files.createDirectories(given.toAbsolutePath());
        ClusterSettings settings = ClusterSettings.choose(folder.resolve("cluster"), taskManagers, 2, 1536);
        boolean isClean = length == null ? torture(settings, plan, folder) : soak(settings, length);
        if (given == null && isClean) {
            Folders.delete(folder);
        } else {
            err.println("logs and topics: " + folder);
        }
        return isClean ? 0 : 1;
    }

    private boolean soak(ClusterSettings settings, Duration length) throws IOException, InterruptedException {
        SoakResult result = new Soak(settings, length, maxTokens, seed, isJson ? null : err).execute();
        out.println(isJson ? result.json().toString() : result.text());
        return result.isClean();
    }

    private static Duration duration(String text) {
        try {
            return Duration.parse("PT" + text);
        } catch (DateTimeParseException e) {
            throw new ConfigException("--soak is " + text + " but must be like 1h, 20m or 90s", e);
        }
    }

    private boolean torture(ClusterSettings settings, TorturePlan plan, Path folder)
            throws IOException, InterruptedException {
        TortureRun run = new TortureRun(settings, plan, isJson ? null : err);
        TortureRun.Result result = run.execute(folder);
        out.println(isJson ? json(result).toString() : text(result));
        return result.isClean();
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
        json.putObject("long_pauses")
                .put("met_a_commit", r.repair().numPauses())
                .put("lost_commits_reported", r.repair().numReported())
                .put("lost_before_reconcile", r.repair().numLost())
                .put("republished", r.repair().numRepublished());
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
                        + "%d long pauses: %d lost commits reported, %d prompts without an answer, %d sent again%n"
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
                r.repair().numPauses(),
                r.repair().numReported(),
                r.repair().numLost(),
                r.repair().numRepublished(),
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
