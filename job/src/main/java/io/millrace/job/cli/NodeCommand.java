package io.millrace.job.cli;

import io.millrace.job.local.FlinkNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** One Flink process in the foreground. */
@Command(
        name = "node",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Runs one Flink process of a cluster in the foreground, for containers and init systems: job-manager or task-manager, from",
            "the jars that this program brings. Ends when it ends, with its exit code."
        })
final class NodeCommand implements Callable<Integer> {
    @Mixin
    private Terminal terminal = new Terminal();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(index = "0", paramLabel = "ROLE", description = "job-manager or task-manager.")
    private String role = "";

    @Option(
            names = "--flink-conf",
            paramLabel = "DIR",
            required = true,
            description = "Folder with Flink's config.yaml and log4j2.properties.")
    private Path conf = Path.of("");

    @Option(
            names = "--heap",
            paramLabel = "MIB",
            description =
                    "Heap of its JVM; of a task manager: weights and KV pool of the cpu back end included. Default: ${DEFAULT-VALUE}.")
    private int heapMiB = 512;

    @Option(
            names = "-D",
            paramLabel = "KEY=VALUE",
            description = "Overrides a value of config.yaml; any number of times.")
    private List<String> settings = List.of();

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<String> command = node().command(Home.lib(), conf.toAbsolutePath(), heapMiB, settings);
        // On stderr: what the process logs has stdout for itself.
        terminal.note("a " + role + " with " + heapMiB + " MiB of heap, configured by " + conf);
        Process process = new ProcessBuilder(command).inheritIO().start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(process), "millrace-node-end"));
        return process.waitFor();
    }

    private FlinkNode node() {
        try {
            return FlinkNode.valueOf(role.toUpperCase(Locale.ROOT).replace('-', '_'));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(
                    spec.commandLine(),
                    "ROLE is " + role + " but must be "
                            + Stream.of(FlinkNode.values())
                                    .map(n -> n.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                                    .collect(Collectors.joining(" or ")),
                    e,
                    null,
                    role);
        }
    }

    /** A container's end is this program's end first: the process goes along, and has its time. */
    private static void end(Process process) {
        process.destroy();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
