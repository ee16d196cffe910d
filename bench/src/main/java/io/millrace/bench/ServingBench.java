package io.millrace.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.bench.torture.Torture;
import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineConfig;
import io.millrace.engine.EngineHost;
import io.millrace.engine.kv.KvBudget;
import io.millrace.job.cli.ProgressBar;
import io.millrace.job.cli.Terminal;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * The serving benchmark: random prompts of one length, all at once, through the bare engine, through Flink, or through Kafka and
 * Flink with exactly-once. {@code ./millrace bench} starts it. Through the engine no Flink class is loaded.
 */
@Command(
        name = "millrace bench",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = {
            "Serving benchmark: random token ids, fixed lengths, greedy, end tokens ignored, all requests at once.",
            "Results as vLLM's \"bench serve\" prints them. Each concurrency gets an engine of its own and a warm-up."
        },
        footer = {
            "",
            "./millrace bench ops --help: the same for single kernel ops.",
            "./millrace bench torture --help: breaks a cluster on purpose and counts what it changed."
        })
public final class ServingBench implements Callable<Integer> {
    private static final int DONE = 0;
    private static final int FAILED = 1;
    private static final int WRONG_USAGE = 2;

    /** How prompts reach the engine. */
    enum Through {
        ENGINE,
        FLINK,
        KAFKA;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(names = "--model", paramLabel = "DIR", required = true, description = "Model folder; needs no tokenizer.")
    private Path model = Path.of("");

    @Option(
            names = {"--concurrency", "--max-num-seqs"},
            paramLabel = "N",
            split = ",",
            defaultValue = "1,16,64",
            description = "Sequences that run together at most; one run each. Default: ${DEFAULT-VALUE}.")
    private List<Integer> concurrencies = List.of();

    @Option(
            names = "--input-len",
            paramLabel = "TOKENS",
            defaultValue = "100",
            split = ",",
            description = "Tokens of each prompt, or one for each concurrency. Default: ${DEFAULT-VALUE}.")
    private List<Integer> inputTokens = List.of();

    @Option(
            names = "--output-len",
            paramLabel = "TOKENS",
            defaultValue = "1000",
            split = ",",
            description = "Tokens of each completion, or one for each concurrency. Default: ${DEFAULT-VALUE}.")
    private List<Integer> outputTokens = List.of();

    @Option(
            names = "--num-prompts",
            paramLabel = "N",
            defaultValue = "0",
            description = "Requests of a run, all sent at once. Default: 0 = the concurrency.")
    private int numPrompts;

    @Option(
            names = "--through",
            paramLabel = "WAY",
            defaultValue = "engine",
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Through through = Through.ENGINE;

    @Option(
            names = "--compare",
            paramLabel = "WAY,WAY",
            split = ",",
            description =
                    "Instead: interleaved pairs through two ways, and the second one's figures relative to the first's.")
    private List<Through> compare = List.of();

    @Option(
            names = "--pairs",
            paramLabel = "N",
            defaultValue = "10",
            split = ",",
            description = "Pairs of --compare, or one number for each concurrency. Default: ${DEFAULT-VALUE}.")
    private List<Integer> numPairs = List.of();

    @Option(
            names = "--warmup",
            paramLabel = "SECONDS",
            defaultValue = "10",
            split = ",",
            description = {
                "Before the clock: runs of the same shape until so many seconds are over, at least one; 0 = none.",
                "Or one number for each concurrency. Default: ${DEFAULT-VALUE}."
            })
    private List<Integer> warmupSeconds = List.of();

    @Mixin
    private EngineArgs engineArgs = new EngineArgs();

    @Option(
            names = "--checkpoint-interval",
            paramLabel = "MS",
            defaultValue = "10000",
            description = "Through Flink and Kafka: how often progress is saved. Default: ${DEFAULT-VALUE}.")
    private int checkpointIntervalMillis;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Of the prompts. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--json", description = "One JSON object a line on stdout.")
    private boolean isJson;

    @Option(names = "--output", paramLabel = "FILE", description = "Writes the JSON lines of all runs there, too.")
    private @Nullable Path output;

    @Option(
            names = "--plot",
            paramLabel = "FILE",
            split = ",",
            description = {
                "Curves over the concurrency: throughput, TTFT, TPOT. FILE.html: a page with tables, that needs no network;",
                "FILE.svg: the curves alone, as a picture; or both, with a comma between."
            })
    private List<Path> plots = List.of();

    @Option(
            names = "--baseline",
            paramLabel = "FILE",
            description = "For --plot: what --output wrote earlier, drawn beside this run and compared with it.")
    private @Nullable Path baseline;

    @Option(names = "--verbose", description = "Stack traces of failures.")
    @SuppressWarnings("UnusedVariable") // main looks for it before anything is parsed
    private boolean isVerbose;

    private final PrintStream out;
    private final PrintStream err;
    private final List<String> jsonLines = new ArrayList<>();
    private final List<JsonNode> runs = new ArrayList<>();
    private final List<PairedComparison> comparisons = new ArrayList<>();

    /** Makes one that prints results on {@code out} and warnings on {@code err}. */
    ServingBench(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    /** Runs the benchmark and ends the JVM with its exit code. */
    public static void main(String[] args) {
        PrintStream stdout = new PrintStream(new FileOutputStream(FileDescriptor.out), true, UTF_8);
        PrintStream stderr = new PrintStream(new FileOutputStream(FileDescriptor.err), true, UTF_8);
        System.exit(run(stdout, stderr, args));
    }

    /** Runs the benchmark. Returns the exit code: 0 done, 1 failed, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        boolean isVerbose = List.of(args).contains("--verbose");
        Callable<Integer> command = switch (args.length == 0 ? "" : args[0]) {
            case "ops" -> new OpBench(out);
            case "torture" -> new Torture(out, err);
            default -> new ServingBench(out, err);
        };
        CommandLine line = new CommandLine(command);
        line.setOut(new PrintWriter(out, true, UTF_8));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setParameterExceptionHandler((e, a) -> oneLine(err, e, isVerbose, WRONG_USAGE));
        line.setExecutionExceptionHandler(
                (e, at, result) -> oneLine(err, e, isVerbose, e instanceof ConfigException ? WRONG_USAGE : FAILED));
        return line.execute(command instanceof ServingBench ? args : Arrays.copyOfRange(args, 1, args.length));
    }

    private static int oneLine(PrintStream err, Throwable e, boolean isVerbose, int exitCode) {
        String message = e.getMessage() == null || e.getMessage().isBlank() ? e.toString() : e.getMessage();
        err.println("millrace bench: " + Objects.requireNonNull(message.strip().split("\\R", 2))[0]);
        if (isVerbose) {
            e.printStackTrace(err);
        }
        return exitCode;
    }

    @Override
    public Integer call() throws IOException {
        check();
        List<JsonNode> earlier = baseline == null ? List.of() : BenchPage.readRuns(baseline);
        for (int point = 0; point < concurrencies.size(); point++) {
            Workload workload = workload(point);
            EngineConfig config = engineArgs.config(model, workload);
            // One engine for all ways: they share it with this lease, so that loading isn't measured.
            try (EngineHost.Lease engine = LoadWatch.acquire(config, bar(0))) {
                warnUnlessAllFit(workload);
                if (compare.isEmpty()) {
                    ServingWay way = way(through, engine, config);
                    warmUp(way, workload, engine, at(warmupSeconds, point));
                    report(run(through, way, workload, engine));
                } else {
                    compare(workload, engine, config, point);
                }
            }
        }
        if (!comparisons.isEmpty() && !isJson) {
            out.print(ComparisonTable.text(comparisons));
        }
        if (output != null) {
            Files.write(output, jsonLines);
        }
        BenchPage page = new BenchPage(String.valueOf(model.getFileName()), runs, comparisons, earlier);
        for (Path plot : plots) {
            Files.writeString(plot, plot.toString().endsWith(".svg") ? page.svg() : page.html());
        }
        return DONE;
    }

    private Workload workload(int point) {
        int concurrency = concurrencies.get(point);
        return new Workload(
                concurrency,
                numPrompts == 0 ? concurrency : numPrompts,
                at(inputTokens, point),
                at(outputTokens, point),
                seed);
    }

    /** Says it before minutes go by: without the pages for all, some wait or are preempted, and the figures are of fewer users. */
    private void warnUnlessAllFit(Workload workload) {
        long tokens = (long) workload.inputTokens() + workload.outputTokens();
        long pages = (tokens + KvBudget.PAGE_TOKENS - 1) / KvBudget.PAGE_TOKENS;
        long needed = pages * Math.min(workload.concurrency(), workload.numPrompts());
        long has = EngineHost.metrics().totalPages.get();
        if (needed > has) {
            String wayOut = engineArgs.kvCacheBytes() > 0
                    ? String.format(
                            Locale.ROOT, "raise --kv-cache-bytes to %d", engineArgs.kvCacheBytes() / has * needed)
                    : String.format(
                            Locale.ROOT,
                            "a quarter of the heap is its limit, MILLRACE_JAVA_OPTS=-Xmx%dm is enough",
                            ((Runtime.getRuntime().maxMemory() / has * needed) >> 20) + 1);
            err.printf(
                    Locale.ROOT,
                    "WARN the KV pool holds %,d pages but %,d requests of %,d tokens need %,d, so that not all run at once: %s%n",
                    has,
                    Math.min(workload.concurrency(), workload.numPrompts()),
                    tokens,
                    needed,
                    wayOut);
        }
    }

    /** Returns the value of the point-th concurrency: its own, or the one for all. */
    private static int at(List<Integer> values, int point) {
        return values.get(values.size() == 1 ? 0 : point);
    }

    private void check() {
        concurrencies.forEach(c -> atLeast(1, "--concurrency", c));
        oneOrEach(1, "--input-len", inputTokens);
        oneOrEach(1, "--output-len", outputTokens);
        oneOrEach(0, "--warmup", warmupSeconds);
        oneOrEach(1, "--pairs", numPairs);
        atLeast(0, "--num-prompts", numPrompts);
        atLeast(50, "--checkpoint-interval", checkpointIntervalMillis);
        engineArgs.check();
        if (baseline != null && !compare.isEmpty()) {
            throw new ConfigException("--baseline is an earlier run, --compare has two of now: leave out one of them");
        }
        for (Path plot : plots) {
            if (!plot.toString().matches(".*\\.(html|svg)")) {
                throw new ConfigException(
                        "--plot " + plot + " is neither a page nor a picture: end it in .html or .svg");
            }
        }
        if (plots.isEmpty() && baseline != null) {
            throw new ConfigException("--baseline is for --plot: give --plot, too");
        }
        if (!compare.isEmpty() && compare.size() != 2) {
            throw new ConfigException("--compare has " + compare.size() + " ways but must have 2: engine,kafka");
        }
        for (int point = 0; point < concurrencies.size(); point++) {
            engineArgs.checkFits(at(inputTokens, point) + at(outputTokens, point));
        }
    }

    private void oneOrEach(int least, String option, List<Integer> values) {
        values.forEach(value -> atLeast(least, option, value));
        if (values.size() != 1 && values.size() != concurrencies.size()) {
            throw new ConfigException(option + " has " + values.size() + " values but --concurrency has "
                    + concurrencies.size() + ": give one for all or one for each");
        }
    }

    static void atLeast(int least, String option, int value) {
        if (value < least) {
            throw new ConfigException(option + " is " + value + " but must be at least " + least);
        }
    }

    private ServingWay way(Through name, EngineHost.Lease engine, EngineConfig config) {
        Duration interval = Duration.ofMillis(checkpointIntervalMillis);
        return switch (name) {
            case ENGINE -> new EngineWay(engine);
            case FLINK -> new FlinkWay(config, interval);
            case KAFKA -> new KafkaWay(config, interval);
        };
    }

    private static void warmUp(ServingWay way, Workload workload, EngineHost.Lease engine, int seconds) {
        long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        for (boolean isWarm = seconds == 0; !isWarm; isWarm = System.nanoTime() >= end) {
            way.serve(clock(workload, engine));
        }
    }

    private static ServingReport run(Through name, ServingWay way, Workload workload, EngineHost.Lease engine) {
        RunClock clock = clock(workload, engine);
        ProgressBar bar = bar((long) workload.numPrompts() * workload.outputTokens());
        long before = EngineHost.metrics().generationTokens.sum();
        try {
            way.serve(clock.watchedBy(
                    () -> bar.update(EngineHost.metrics().generationTokens.sum() - before, Double.NaN)));
        } finally {
            bar.clear();
        }
        return ServingReport.of(name.toString(), clock.times());
    }

    /** Returns a bar of tokens on stderr, which shows nothing unless that is a terminal. */
    private static ProgressBar bar(long tokens) {
        return new ProgressBar(
                Terminal.isInteractive()
                        ? new PrintStream(new FileOutputStream(FileDescriptor.err), true, UTF_8)
                        : null,
                tokens);
    }

    private static RunClock clock(Workload workload, EngineHost.Lease engine) {
        int vocabulary = engine.model().tokenizer().numTokens();
        return new RunClock(workload, workload.prompts(vocabulary), EngineHost.metrics());
    }

    private void compare(Workload workload, EngineHost.Lease engine, EngineConfig config, int point) {
        List<ServingWay> ways =
                compare.stream().map(name -> way(name, engine, config)).toList();
        ways.forEach(way -> warmUp(way, workload, engine, at(warmupSeconds, point)));
        PairedComparison comparison =
                new PairedComparison(compare.get(0).toString(), compare.get(1).toString());
        for (int pair = 0; pair < at(numPairs, point); pair++) {
            ServingReport[] reports = new ServingReport[2];
            for (int turn = 0; turn < 2; turn++) {
                int i = (pair + turn) % 2; // who begins alternates: what drifts hits both alike
                reports[i] = run(compare.get(i), ways.get(i), workload, engine);
                jsonLines.add(ReportJson.of(reports[i]).toString());
            }
            comparison.add(reports[0], reports[1]);
        }
        comparisons.add(comparison);
        runs.add(ReportJson.of(comparison.typicalBaseline()));
        runs.add(ReportJson.of(comparison.typicalOther()));
        print(comparison.json(), comparison.text());
    }

    private void report(ServingReport report) {
        ObjectNode json = ReportJson.of(report);
        runs.add(json);
        print(json, ReportText.of(report));
    }

    private void print(ObjectNode json, String text) {
        jsonLines.add(json.toString());
        if (isJson) {
            out.println(json);
        } else {
            out.print(text);
        }
        out.flush();
    }
}
