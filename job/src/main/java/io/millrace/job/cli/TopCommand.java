package io.millrace.job.cli;

import io.millrace.engine.ConfigException;
import io.millrace.job.local.ClusterSettings;
import io.millrace.job.watch.LoadView;
import io.millrace.job.watch.Look;
import io.millrace.job.watch.MetricsScrape;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A running job's load, live. */
@Command(
        name = "top",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Shows what a running job does, from its task managers' /metrics (--metrics-port of the job): one screen, drawn again each",
            "interval, if stdout is a terminal, else a line per interval. Rates are of the interval, latencies of the last minute."
        })
final class TopCommand implements Callable<Integer> {
    /** Looks that the window of latencies reaches back. */
    private static final long WINDOW_NANOS = 60_000_000_000L;

    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final String CLEAR = "\u001b[2J";
    private static final String HOME = "\u001b[H";
    private static final String REST_OF_LINE = "\u001b[K";
    private static final String REST_OF_SCREEN = "\u001b[J";

    @Mixin
    private Terminal terminal = new Terminal();

    @Mixin
    private LocalCommand.Where where = new LocalCommand.Where();

    @Option(
            names = "--metrics",
            paramLabel = "HOST:PORT",
            split = ",",
            description =
                    "Task managers to ask (HOST:PORT,… = several). Default: the local cluster's, else localhost:9400.")
    private List<String> metrics = List.of();

    @Option(names = "--interval", paramLabel = "SECONDS", description = "Default: ${DEFAULT-VALUE}.")
    private double intervalSeconds = 1;

    @Option(names = "--once", description = "One interval, then end; latencies since the task managers' starts.")
    private boolean isOnce;

    @Override
    public Integer call() throws InterruptedException {
        if (!(intervalSeconds >= 0.1 && intervalSeconds <= 3600)) {
            throw new ConfigException("--interval is " + intervalSeconds + " but must be from 0.1 to 3600");
        }
        MetricsScrape scrape = new MetricsScrape(endpoints(), PATIENCE);
        Deque<Look> window = new ArrayDeque<>();
        window.add(first(scrape));
        if (isScreen()) {
            terminal.result(CLEAR);
        }
        while (true) {
            Thread.sleep((long) (intervalSeconds * 1000));
            Look now = scrape.look();
            Look before = window.getLast();
            while (window.size() > 1 && now.nanos() - window.getFirst().nanos() > WINDOW_NANOS) {
                window.removeFirst();
            }
            show(new LoadView(now, before, isOnce ? null : window.getFirst()));
            if (isOnce) {
                return Main.DONE;
            }
            window.add(now);
        }
    }

    private List<String> endpoints() {
        for (String endpoint : metrics) {
            if (!endpoint.matches("[A-Za-z0-9._-]+:[0-9]{1,5}|\\[[0-9a-fA-F:]+\\]:[0-9]{1,5}")) {
                throw new ConfigException("--metrics has \"" + endpoint + "\" but needs HOST:PORT");
            }
        }
        if (!metrics.isEmpty()) {
            return metrics;
        }
        return ClusterSettings.isIn(where.folder())
                ? ClusterSettings.read(where.folder()).metricsEndpoints()
                : List.of("localhost:9400");
    }

    /** A first look that finds nobody is a mistake in the addresses, later ones may find nobody for a while. */
    private static Look first(MetricsScrape scrape) throws InterruptedException {
        Look look = scrape.look();
        if (look.values().isEmpty()) {
            throw new ConfigException("no task manager answers on " + String.join(", ", look.silent())
                    + ": start the job with --metrics-port and name the addresses with --metrics HOST:PORT");
        }
        return look;
    }

    private boolean isScreen() {
        return !terminal.isJson() && !isOnce && Terminal.isScreen();
    }

    private void show(LoadView view) {
        if (terminal.isJson()) {
            terminal.result(view.json());
        } else if (isScreen()) {
            StringBuilder sb = new StringBuilder(HOME);
            view.screen().forEach(line -> sb.append(line).append(REST_OF_LINE).append('\n'));
            terminal.result(sb.append(REST_OF_SCREEN).toString());
        } else if (isOnce) {
            view.screen().forEach(terminal::result);
        } else {
            terminal.result(view.line());
        }
    }
}
