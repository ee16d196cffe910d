package io.millrace.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.model.ModelConfig;
import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code ./millrace bench ops}: one line per kernel op, at the shapes of a model: µs, GB/s, GFLOP/s, and the share of what the machine can do at best. The ceilings are
 * measured by {@code bench/peers/machine.c} and given as options: the floor of an op is the longer of bytes / bandwidth and
 * operations / FMA rate.
 */
@Command(
        name = "millrace bench ops",
        mixinStandardHelpOptions = true,
        description = "Times the kernel ops at a model's shapes.")
final class OpBench implements Callable<Integer> {
    private static final double NANOS = 1e-9;
    private static final int MIN_RUNS = 5;
    private static final int CONTEXT = 512;

    @Option(names = "--config", paramLabel = "FILE", required = true, description = "A config.json: gives the shapes.")
    private Path config = Path.of("");

    @Option(names = "--threads", paramLabel = "N", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
    private int numThreads;

    @Option(
            names = "--tokens",
            paramLabel = "T",
            split = ",",
            defaultValue = "1,4,16,64,512",
            description = "Rows of a step. Default: ${DEFAULT-VALUE}.")
    private List<Integer> tokens = List.of();

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "1",
            description = "Per line, after as much warm-up. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(
            names = "--read-gbs",
            paramLabel = "GB/s",
            defaultValue = "NaN",
            description = "Read bandwidth of the machine, by machine.c.")
    private double readGbs;

    @Option(
            names = "--fma-gflops",
            paramLabel = "GFLOP/s",
            defaultValue = "NaN",
            description = "f32 multiply-add rate of the machine, by machine.c.")
    private double fmaGflops;

    @Option(names = "--json", description = "One JSON object a line.")
    private boolean isJson;

    private final PrintStream out;

    /** Makes one that prints on {@code out}. */
    OpBench(PrintStream out) {
        this.out = out;
    }

    @Override
    public Integer call() {
        try (Backend backend = Backends.named("cpu", numThreads)) {
            Rank rank = backend.open(ParallelPlan.SINGLE).get(0);
            rank.device().awaitReady();
            ModelConfig model = ModelConfig.read(config);
            for (int t : tokens) {
                ops(rank, model, t).map(Supplier::get).forEach(this::measure);
            }
        }
        return 0;
    }

    /** Returns the heavy ops of a step of {@code t} rows; each is prepared when asked for. */
    static Stream<Supplier<BenchOp>> ops(Rank rank, ModelConfig c, int t) {
        return Stream.of(
                () -> new GemmOp(rank, t, 1, 1, c.hiddenSize(), c.numAttentionHeads() * c.vHeadDim()),
                () -> new GemmOp(rank, t, 1, 1, 2 * c.intermediateSize(), c.hiddenSize()),
                () -> new GemmOp(
                        rank, t, c.nRoutedExperts(), c.numExpertsPerTok(), 2 * c.moeIntermediateSize(), c.hiddenSize()),
                () -> new AttentionOp(rank, t, CONTEXT, c.numAttentionHeads(), c.kvLoraRank(), c.qkRopeHeadDim()));
    }

    private void measure(BenchOp op) {
        time(op, seconds);
        double took = time(op, seconds);
        double floor = Math.max(op.bytes() / (readGbs * 1e9), op.flops() / (fmaGflops * 1e9));
        if (isJson) {
            ObjectNode json = JsonNodeFactory.instance.objectNode();
            json.put("op", op.name()).put("shape", op.shape()).put("threads", numThreads);
            ReportJson.number(json, "us", took * 1e6);
            ReportJson.number(json, "gb_per_second", op.bytes() / took / 1e9);
            ReportJson.number(json, "gflop_per_second", op.flops() / took / 1e9);
            ReportJson.number(json, "share_of_ceiling", floor / took);
            out.println(json);
        } else {
            out.println(String.format(
                    Locale.ROOT,
                    "%-12s %-55s %11.1f µs %7.1f GB/s %8.1f GFLOP/s %s",
                    op.name(),
                    op.shape(),
                    took * 1e6,
                    op.bytes() / took / 1e9,
                    op.flops() / took / 1e9,
                    Double.isNaN(floor) ? "" : String.format(Locale.ROOT, "%5.1f %%", 100 * floor / took)));
        }
    }

    /** Returns the median seconds of one run. */
    static double time(BenchOp op, double forSeconds) {
        double[] runs = new double[1024];
        int numRuns = 0;
        long end = System.nanoTime() + (long) (forSeconds / NANOS);
        while (numRuns < MIN_RUNS || System.nanoTime() < end) {
            long start = System.nanoTime();
            op.run();
            if (numRuns == runs.length) {
                runs = Arrays.copyOf(runs, 2 * numRuns);
            }
            runs[numRuns++] = (System.nanoTime() - start) * NANOS;
        }
        return Spread.of(Arrays.copyOf(runs, numRuns)).median();
    }
}
