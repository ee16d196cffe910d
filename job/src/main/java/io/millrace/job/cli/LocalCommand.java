package io.millrace.job.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.job.local.ClusterHealth;
import io.millrace.job.local.ClusterProcess;
import io.millrace.job.local.ClusterSettings;
import io.millrace.job.local.LocalCluster;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A cluster of real processes on this machine. */
@Command(
        name = "local",
        mixinStandardHelpOptions = true,
        description = {
            "A cluster of real processes on this machine, without Docker: a Kafka broker, ZooKeeper, a Flink job manager, task managers,",
            "and a supervisor that restarts what dies. ./millrace submit starts the job on it."
        },
        subcommands = {
            LocalCommand.Up.class,
            LocalCommand.Down.class,
            LocalCommand.Status.class,
            LocalCommand.Logs.class
        })
final class LocalCommand {
    private LocalCommand() {}

    /** Which cluster a command is about. */
    static final class Where {
        @Option(
                names = "--work",
                paramLabel = "DIR",
                description =
                        "Folder of the cluster: configuration, logs, pids, topics, checkpoints. Default: millrace-work/local"
                                + " in the checkout.")
        private @Nullable Path work;

        Path folder() {
            return work != null ? work : Home.folder().resolve("millrace-work").resolve("local");
        }

        LocalCluster cluster() {
            return new LocalCluster(ClusterSettings.read(folder()), Home.lib());
        }
    }

    @Command(
            name = "up",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description =
                    "Starts it and waits until it is ready. Topics and checkpoints of a former one in the same folder stay.")
    static final class Up implements Callable<Integer> {
        @Mixin
        private Terminal terminal = new Terminal();

        @Mixin
        private Where where = new Where();

        @Option(names = "--task-managers", paramLabel = "N", description = "Task managers. Default: ${DEFAULT-VALUE}.")
        private int taskManagers = 2;

        @Option(names = "--slots", paramLabel = "N", description = "Slots of each. Default: ${DEFAULT-VALUE}.")
        private int slots = 2;

        @Option(
                names = "--task-manager-heap",
                paramLabel = "MIB",
                description = "Heap of each task manager: weights, KV pool, requests. Default: ${DEFAULT-VALUE}.")
        private int heapMiB = 1536;

        @Override
        public Integer call() throws IOException {
            Path folder = where.folder();
            ClusterSettings fresh = ClusterSettings.choose(folder, taskManagers, slots, heapMiB);
            if (ClusterSettings.isIn(folder)) { // the same addresses as before, so that clients find it again
                fresh = new ClusterSettings(
                        fresh.folder(),
                        taskManagers,
                        slots,
                        heapMiB,
                        ClusterSettings.read(folder).ports());
            }
            LocalCluster cluster = new LocalCluster(fresh, Home.lib());
            terminal.say("starting a broker, ZooKeeper, a job manager and " + taskManagers + " task managers in "
                    + fresh.folder());
            cluster.up();
            if (terminal.isJson()) {
                ObjectNode json = new ObjectMapper().createObjectNode();
                json.put("work", fresh.folder().toString());
                json.put("bootstrap_servers", fresh.bootstrapServers());
                json.put("rest", fresh.restUrl());
                json.put("metrics_ports", fresh.metricsPorts());
                terminal.result(json.toString());
            } else {
                terminal.say("Kafka  " + fresh.bootstrapServers() + "   topics llm.prompts, llm.completions, …");
                terminal.say(
                        "Flink  " + fresh.restUrl() + "   " + taskManagers + " task managers with " + slots + " slots");
                terminal.say("next: ./millrace submit, then ./millrace publish --bootstrap-servers "
                        + fresh.bootstrapServers());
            }
            return Main.DONE;
        }
    }

    @Command(name = "down", mixinStandardHelpOptions = true, description = "Ends all its processes; its folder stays.")
    static final class Down implements Callable<Integer> {
        @Mixin
        private Terminal terminal = new Terminal();

        @Mixin
        private Where where = new Where();

        @Override
        public Integer call() {
            where.cluster().down();
            terminal.say("the cluster in " + where.folder() + " is down");
            return Main.DONE;
        }
    }

    @Command(
            name = "status",
            mixinStandardHelpOptions = true,
            description = {
                "Shows each process and how it is doing. A task manager is healthy when its engine makes steps, not when it merely runs.",
                "Exit code 1: something isn't healthy."
            })
    static final class Status implements Callable<Integer> {
        @Mixin
        private Terminal terminal = new Terminal();

        @Mixin
        private Where where = new Where();

        @Override
        public Integer call() {
            List<ClusterHealth.Finding> findings = new ClusterHealth(where.cluster()).look();
            for (ClusterHealth.Finding f : findings) {
                if (terminal.isJson()) {
                    ObjectNode json = new ObjectMapper().createObjectNode();
                    json.put("name", f.name());
                    json.put("pid", f.pid());
                    json.put("healthy", f.isHealthy());
                    json.put("what", f.what());
                    terminal.result(json.toString());
                } else {
                    terminal.say(String.format(
                            "%-16s %-8s %-10s %s",
                            f.name(),
                            f.pid() == null ? "-" : f.pid(),
                            f.isHealthy() ? "healthy" : "UNHEALTHY",
                            f.what()));
                }
            }
            return findings.stream().allMatch(ClusterHealth.Finding::isHealthy) ? Main.DONE : Main.FAILED;
        }
    }

    @Command(
            name = "logs",
            mixinStandardHelpOptions = true,
            description = "Shows a process's log, or where all logs are.")
    static final class Logs implements Callable<Integer> {
        private static final int BUFFER_BYTES = 1 << 16;
        private static final long LOOK_MS = 200;

        @Mixin
        private Terminal terminal = new Terminal();

        @Mixin
        private Where where = new Where();

        @Parameters(
                arity = "0..1",
                paramLabel = "NAME",
                description = "broker, zookeeper, jobmanager, taskmanager-1, …")
        private @Nullable String name;

        @Option(names = "--follow", description = "Go on with what comes.")
        private boolean isFollow;

        @Override
        public Integer call() throws IOException, InterruptedException {
            LocalCluster cluster = where.cluster();
            List<ClusterProcess> all = cluster.processes().all();
            if (name == null) {
                all.forEach(p -> terminal.result(String.format("%-16s %s", p.name(), p.log())));
                return Main.DONE;
            }
            ClusterProcess process = cluster.processes()
                    .named(name)
                    .orElseThrow(() -> new ConfigException("no process " + name + ": there are "
                            + all.stream().map(ClusterProcess::name).collect(Collectors.joining(", "))));
            try (InputStream in = Files.newInputStream(process.log())) {
                byte[] buffer = new byte[BUFFER_BYTES];
                while (true) {
                    int n = in.read(buffer);
                    if (n > 0) {
                        terminal.write(buffer, n);
                    } else if (isFollow) {
                        Thread.sleep(LOOK_MS);
                    } else {
                        return Main.DONE;
                    }
                }
            }
        }
    }
}
