package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.millrace.engine.ConfigException;
import io.millrace.job.cli.JobOptionArgs.TakesJobOptions;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The program {@code millrace}: finds the command, runs it, turns failures into one line and an exit code. */
@Command(
        name = "millrace",
        description = "Streaming batch inference of reasoning models: Kafka, Flink and the engine in one job.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DemoCommand.class,
            GenerateCommand.class,
            PublishCommand.class,
            ConsumeCommand.class,
            LocalCommand.class,
            SubmitCommand.class,
            TopCommand.class,
            NodeCommand.class,
            CancelCommand.class,
            DoctorCommand.class,
            DlqCommand.class,
            ReconcileCommand.class,
            TokenizeCommand.class,
            DetokenizeCommand.class,
            ModelCommand.class
        },
        footer = {
            "",
            "./millrace bench --help: the serving benchmark; ./millrace test runs the checks, ./millrace format formats the code.",
            "README.md shows the way in."
        })
public final class Main {
    /** Done. */
    static final int DONE = 0;
    /** Failed. */
    static final int FAILED = 1;
    /** Wrong usage or configuration. */
    static final int WRONG_USAGE = 2;
    /** Done, but some rows went to the error file or the dead letters. */
    static final int SOME_REJECTED = 3;

    private Main() {}

    /** Runs a command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs a command. Returns its exit code. */
    static int run(String... args) {
        boolean isVerbose = List.of(args).contains("--verbose");
        Logs.start(isVerbose);
        CommandLine line = commandLine();
        line.setOut(new PrintWriter(new OutputStreamWriter(System.out, UTF_8), true));
        line.setErr(new PrintWriter(new OutputStreamWriter(System.err, UTF_8), true));
        line.setParameterExceptionHandler((e, a) -> {
            CommandLine at = e.getCommandLine();
            oneLine(at, e, isVerbose);
            at.getErr().println("try: " + at.getCommandSpec().qualifiedName() + " --help");
            return WRONG_USAGE;
        });
        if (args.length == 0) {
            line.usage(line.getErr());
            return WRONG_USAGE;
        }
        line.setExecutionExceptionHandler((e, at, result) -> {
            oneLine(at, e, isVerbose);
            return e instanceof ConfigException ? WRONG_USAGE : FAILED;
        });
        return line.execute(args);
    }

    /** Returns all commands with their options. */
    static CommandLine commandLine() {
        CommandLine line = new CommandLine(new Main());
        line.setUsageHelpWidth(120);
        addJobOptions(line);
        return line;
    }

    private static void addJobOptions(CommandLine parent) {
        parent.getSubcommands().values().forEach(sub -> {
            if (sub.getCommand() instanceof TakesJobOptions c) {
                c.jobOptionArgs().addTo(sub.getCommandSpec(), c);
            }
            addJobOptions(sub);
        });
    }

    private static void oneLine(CommandLine at, Throwable e, boolean isVerbose) {
        String message = e.getMessage() == null || e.getMessage().isBlank() ? e.toString() : e.getMessage();
        at.getErr()
                .println(at.getCommandSpec().qualifiedName() + ": "
                        + Objects.requireNonNull(message.strip().split("\\R", 2))[0]);
        if (isVerbose) {
            e.printStackTrace(at.getErr());
        }
        at.getErr().flush();
    }

    /** The version of the jar. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"millrace " + (version == null ? "(unpacked)" : version)};
        }
    }
}
