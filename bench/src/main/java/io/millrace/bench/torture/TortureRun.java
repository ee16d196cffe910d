package io.millrace.bench.torture;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.millrace.job.EmbeddedBroker;
import io.millrace.job.JobOptions;
import io.millrace.job.LineReader;
import io.millrace.job.Reconciliation;
import io.millrace.job.RecordId;
import io.millrace.job.Republisher;
import io.millrace.job.Topic;
import io.millrace.job.TopicWriter;
import io.millrace.job.cli.Home;
import io.millrace.job.local.ClusterSettings;
import io.millrace.job.local.LocalCluster;
import io.millrace.operators.WireRecord;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** One run of {@link Torture}: the undisturbed answers, the cluster, the kills, the count. Thread: one. */
final class TortureRun {
    /** A kill that hits fewer proves little. */
    private static final int MIN_RUNNING = 16;

    private static final int MIN_CALM_MS = 500;
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final Duration SETTLE = Duration.ofSeconds(5);
    private static final Duration LOOK = Duration.ofMillis(100);
    /** How long a failure may go unnoticed. */
    private static final Duration NOTICED_WITHIN = Duration.ofSeconds(30);

    private static final Duration RARELY_NOTICED_WITHIN = Duration.ofSeconds(5);

    /** Without answers for so long, with every task running, no answer of a request in flight is still to come. */
    private static final Duration QUIET = Duration.ofSeconds(30);

    private static final List<Kill> KINDS = List.of(Kill.values());

    private final ClusterSettings settings;
    private final TorturePlan plan;
    private final SplittableRandom random;
    private final @Nullable PrintStream talk;
    private final Map<Kill, Integer> kills = new EnumMap<>(Kill.class);
    private final List<Recovery> recoveries = new ArrayList<>();
    private final StreamedText streamed = new StreamedText();

    TortureRun(ClusterSettings settings, TorturePlan plan, @Nullable PrintStream talk) {
        this.settings = settings;
        this.plan = plan;
        this.random = new SplittableRandom(plan.seed());
        this.talk = talk;
    }

    /** From a kill, or the end of a pause, until every subtask ran again and the job made new tokens; of kills that made a task restart. */
    record Recovery(Kill kind, long ms) {}

    /**
     * What was lost by pauses beyond the transaction time-out, and mended.
     *
     * @param numPauses that met a commit
     * @param numReported transactions whose loss the job reported
     * @param numLost prompts without an answer before
     * @param numRepublished prompts that {@code reconcile --publish} sent again
     */
    record Repair(int numPauses, int numReported, int numLost, long numRepublished) {
        /** Returns whether no loss went unnoticed. */
        boolean isComplete() {
            return numLost == numRepublished && (numLost > 0) == (numReported > 0);
        }
    }

    /** What came of it. */
    record Result(
            int prompts,
            Map<Kill, Integer> kills,
            Repair repair,
            int lost,
            int doubled,
            int changed,
            long tokensKept,
            long tokensRegenerated,
            long completionTokens,
            StreamedText streamed,
            List<Recovery> recoveries,
            double seconds) {

        boolean isClean() {
            return lost == 0 && doubled == 0 && changed == 0 && repair.isComplete();
        }

        long recoveryMs(double share) {
            return percentile(recoveries, share);
        }

        long taskManagerRecoveryMs(double share) {
            return percentile(
                    recoveries.stream().filter(r -> r.kind == Kill.TASK_MANAGER).toList(), share);
        }

        private static long percentile(List<Recovery> of, double share) {
            long[] sorted = of.stream().mapToLong(Recovery::ms).sorted().toArray();
            return sorted.length == 0 ? 0 : sorted[(int) Math.round(share * (sorted.length - 1))];
        }
    }

    Result execute(Path folder) throws IOException, InterruptedException {
        long start = System.nanoTime();
        Path prompts = folder.resolve("prompts.jsonl");
        TorturePrompts.write(prompts, plan);
        say("the undisturbed run: " + plan.numPrompts() + " prompts");
        Oracle oracle = new Oracle(undisturbed(folder, prompts));
        try (TcpProxy proxy = new TcpProxy(settings.ports().broker())) {
            LocalCluster cluster = new LocalCluster(settings.behindProxy(proxy.port()), Home.lib());
            say("starting the cluster in " + settings.folder());
            cluster.up();
            try {
                return disturbed(new Kill.Targets(cluster, proxy), prompts, oracle, start);
            } finally {
                cluster.down();
            }
        }
    }

    /** Answers the prompts in a process without a cluster. */
    private Path undisturbed(Path folder, Path prompts) throws IOException, InterruptedException {
        Path completions = folder.resolve("undisturbed.jsonl");
        Path log = folder.resolve("undisturbed.log");
        Process process = new ProcessBuilder(
                        Home.folder().resolve("millrace").toString(),
                        "generate",
                        "--input",
                        prompts.toString(),
                        "--output",
                        completions.toString(),
                        "--temperature=0")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        if (process.waitFor() != 0) {
            throw new IllegalStateException("the undisturbed run failed: " + Files.readString(log));
        }
        return completions;
    }

    private Result disturbed(Kill.Targets targets, Path prompts, Oracle oracle, long start)
            throws IOException, InterruptedException {
        Properties client = new Properties();
        client.setProperty("bootstrap.servers", targets.cluster().settings().bootstrapServers());
        publish(client, prompts);
        List<String> more = plan.numLongPauses() == 0
                ? List.of()
                : List.of(
                        "--transaction-timeout=" + LongPause.TRANSACTION_TIMEOUT.toSeconds() + " s",
                        "--longest-outage=20 s");
        String jobId = TortureJob.submit(targets.cluster().settings(), more);
        ClusterWatch watch = new ClusterWatch(targets.cluster(), jobId);
        LongPause longPause = new LongPause(targets.cluster(), jobId);
        try (Topic answers =
                Topic.open(client, true, TortureJob.COMPLETIONS, TortureJob.PARTIALS, TortureJob.DEAD_LETTERS)) {
            int done = 0;
            int longPauses = 0;
            while (oracle.numAnswered() < oracle.size()) {
                if (done < plan.numKills() && isWorthAKill(watch, answers, oracle)) {
                    kill(targets, watch, answers, oracle, KINDS.get(done % KINDS.size()));
                    done++;
                } else if (done == plan.numKills()
                        && longPauses < plan.numLongPauses()
                        && isWorthAKill(watch, answers, oracle)) {
                    longPauses += pause(longPause, watch, answers, oracle) ? 1 : 0;
                }
                Duration patience = plan.numLongPauses() > 0 ? QUIET : PATIENCE;
                if (oracle.numAnswered() < oracle.size() && !take(answers, oracle, true, patience)) {
                    break; // nothing more comes
                }
            }
            Repair repair = new Repair(longPauses, longPause.reported().size(), oracle.numLost(), 0);
            if (plan.numLongPauses() > 0 && repair.numLost() > 0) {
                repair = repair(client, repair, watch, answers, oracle);
            }
            take(answers, oracle, false, SETTLE); // what is doubled may come late
            long drawn = watch.tokensDrawn();
            return new Result(
                    oracle.size(),
                    kills,
                    repair,
                    oracle.numLost(),
                    oracle.numDoubled(),
                    oracle.numChanged(),
                    oracle.resumedTokens(),
                    Math.max(0, drawn - oracle.completionTokens()),
                    oracle.completionTokens(),
                    streamed,
                    recoveries,
                    (System.nanoTime() - start) / 1e9);
        }
    }

    private static void publish(Properties client, Path prompts) throws IOException {
        try (LineReader lines = new LineReader(new BufferedInputStream(Files.newInputStream(prompts)), "", 1 << 20);
                TopicWriter to = TopicWriter.open(client, TortureJob.PROMPTS, EmbeddedBroker.MAX_MESSAGE_BYTES)) {
            for (WireRecord line = lines.next(); line != null; line = lines.next()) {
                String id = RecordId.find(line.value);
                to.send(id == null ? null : id.getBytes(UTF_8), line.value, List.of());
            }
            to.flush();
        }
    }

    /** Waits until enough is being decoded, and a seeded while longer, so that kills fall anywhere between checkpoints. */
    private boolean isWorthAKill(ClusterWatch watch, Topic answers, Oracle oracle) throws IOException {
        int longer = random.nextInt(MIN_CALM_MS, 1_000 * plan.maxCalmSeconds());
        boolean isBusy = waitFor(answers, oracle, () -> watch.isAllRunning() && watch.running() >= MIN_RUNNING);
        if (!isBusy) {
            return false;
        }
        take(answers, oracle, false, Duration.ofMillis(longer));
        return watch.running() >= MIN_RUNNING;
    }

    private void kill(Kill.Targets targets, ClusterWatch watch, Topic answers, Oracle oracle, Kill kind)
            throws IOException, InterruptedException {
        long before = watch.tokensDrawn();
        kind.strike(targets, random);
        long struck = System.nanoTime();
        boolean isNoticed = waitAtMost(
                kind.mostlyRestartsTasks() ? NOTICED_WITHIN : RARELY_NOTICED_WITHIN,
                answers,
                oracle,
                () -> !watch.isAllRunning());
        boolean isBack = waitFor(answers, oracle, () -> watch.isAllRunning() && watch.tokensDrawn() > before);
        long ms = (System.nanoTime() - struck) / 1_000_000;
        kills.merge(kind, 1, Integer::sum);
        if (isBack && isNoticed) {
            recoveries.add(new Recovery(kind, ms));
        }
        say(kind + " " + (!isBack ? "the run was over" : isNoticed ? ms + " ms" : "no task restarted") + ", "
                + oracle.numAnswered() + " of "
                + oracle.size() + " answered, " + oracle.numDoubled() + " doubled, " + oracle.numChanged()
                + " changed");
    }

    private boolean pause(LongPause longPause, ClusterWatch watch, Topic answers, Oracle oracle)
            throws IOException, InterruptedException {
        int before = longPause.reported().size();
        if (!longPause.strike()) {
            say("long pause: no commit was met");
            return false;
        }
        waitAtMost(NOTICED_WITHIN, answers, oracle, () -> !watch.isAllRunning());
        waitFor(answers, oracle, watch::isAllRunning);
        say("long pause: " + (longPause.reported().size() - before) + " lost commits reported, " + oracle.numAnswered()
                + " of " + oracle.size() + " answered");
        return true;
    }

    /** Sends what has no answer again, and waits for the answers. */
    private Repair repair(Properties client, Repair found, ClusterWatch watch, Topic answers, Oracle oracle)
            throws IOException {
        waitFor(answers, oracle, () -> watch.isAllRunning() && watch.running() == 0);
        JobOptions options = JobOptions.parse("--bootstrap-servers=" + client.getProperty("bootstrap.servers"));
        long published;
        try (Republisher republisher = Republisher.open(options)) {
            published = new Reconciliation(options, Duration.ZERO, Clock.systemUTC(), missing -> {})
                    .run(republisher)
                    .numPublished();
        }
        say("reconcile: " + oracle.numLost() + " prompts have no answer, " + published + " sent again");
        Repair repair = new Repair(found.numPauses(), found.numReported(), oracle.numLost(), published);
        waitFor(answers, oracle, () -> false); // until everything is answered
        return repair;
    }

    /** Takes answers until the condition holds; false if everything is answered or nothing happens for too long. */
    private boolean waitFor(Topic answers, Oracle oracle, BooleanSupplier condition) throws IOException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (oracle.numAnswered() == oracle.size() || System.nanoTime() > deadline) {
                return false;
            }
            take(answers, oracle, false, LOOK);
        }
        return true;
    }

    private boolean waitAtMost(Duration atMost, Topic answers, Oracle oracle, BooleanSupplier condition)
            throws IOException {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                return false;
            }
            take(answers, oracle, false, LOOK);
        }
        return true;
    }

    /**
     * Takes what comes within a time.
     *
     * @param endsWithFirst whether to return after the first records
     * @return whether anything came
     */
    private boolean take(Topic answers, Oracle oracle, boolean endsWithFirst, Duration within) throws IOException {
        long deadline = System.nanoTime() + within.toNanos();
        boolean hasTaken = false;
        do {
            for (ConsumerRecord<byte[], byte[]> r : answers.poll(LOOK)) {
                hasTaken = true;
                switch (r.topic()) {
                    case TortureJob.COMPLETIONS -> oracle.completion(r.value());
                    case TortureJob.PARTIALS -> streamed.chunk(r.value());
                    default -> oracle.deadLetter(new String(r.key(), UTF_8));
                }
            }
        } while (!(hasTaken && endsWithFirst) && System.nanoTime() < deadline);
        return hasTaken;
    }

    private void say(String line) {
        if (talk != null) {
            talk.println(line);
        }
    }
}
