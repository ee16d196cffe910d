package io.millrace.job.cli;

import io.millrace.job.JobOption;
import io.millrace.job.JobOptions;
import io.millrace.job.cli.JobOptionArgs.TakesJobOptions;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** docs/options.md, out of the same lists as the help texts. */
final class OptionsPage {
    private final StringBuilder page = new StringBuilder();

    private OptionsPage() {}

    /** Returns the page's text. */
    static String text() {
        OptionsPage p = new OptionsPage();
        p.jobOptions();
        p.commands();
        return p.page.toString();
    }

    private void jobOptions() {
        page.append("""
                # Options

                Every option, out of the lists that `--help` shows. This page is written by a test; after a change of an option:
                `mvn -pl job -am test -Dtest=OptionsPageTest -Dsurefire.failIfNoSpecifiedTests=false -Dmillrace.write-docs=true`

                ## Of the job

                On the command line `--NAME VALUE` or `--NAME=VALUE`, in a file for `--config FILE.yaml` a line `NAME: VALUE`. The command line wins over the file, the file over the defaults;
                `--print-config` shows what holds and where it comes from. `flink run -c io.millrace.job.MillraceJob` and `./millrace submit` take all of them, other commands the groups that they name below.
                """);
        for (JobOption.Group group : JobOption.Group.values()) {
            page.append("\n### Group `").append(name(group)).append("`\n\n");
            page.append("| option | value | default | what |\n| --- | --- | --- | --- |\n");
            JobOptions.ALL.stream()
                    .filter(o -> o.group() == group)
                    .forEach(o -> row(
                            "`--" + o.name() + "`" + (o.alias() == null ? "" : " = `--" + o.alias() + "`"),
                            o.unit(),
                            o.defaultText().isEmpty() ? "" : "`" + o.defaultText() + "`",
                            o.help()));
        }
    }

    private void commands() {
        page.append("\n## Of the commands\n\n`--help`, `--version`, `--json` (results for programs) and `--verbose`"
                + " (stack traces, more of the log) are everywhere and left out here. `./millrace bench --help` shows"
                + " the benchmark's.\n");
        CommandLine line = Main.commandLine();
        line.getSubcommands().values().forEach(this::command);
    }

    private void command(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        page.append("\n### `").append(spec.qualifiedName(" ")).append("`\n\n");
        page.append(escape(String.join(" ", spec.usageMessage().description()))).append('\n');
        if (command.getCommand() instanceof TakesJobOptions taking) {
            page.append("\nTakes the job's groups ")
                    .append(Arrays.stream(taking.optionGroups())
                            .map(g -> "`" + name(g) + "`")
                            .collect(Collectors.joining(", ")))
                    .append(", and `--config`, `--print-config`.\n");
        }
        String rows = spec.args().stream()
                .filter(a -> !isEverywhere(a))
                .sorted(Comparator.comparing(a -> a.isOption() ? 1 : 0))
                .map(a -> "| " + names(a) + " | " + escape(String.join(" ", a.description())) + " |\n")
                .collect(Collectors.joining());
        if (!rows.isEmpty()) {
            page.append("\n| option | what |\n| --- | --- |\n").append(rows);
        }
        for (Map.Entry<String, CommandLine> sub : command.getSubcommands().entrySet()) {
            command(sub.getValue());
        }
    }

    private static boolean isEverywhere(ArgSpec arg) {
        return arg instanceof OptionSpec o
                && (Arrays.asList("--help", "--version", "--json", "--verbose", "--config", "--print-config")
                                .contains(o.longestName())
                        || JobOptions.ALL.stream().anyMatch(j -> o.longestName().equals("--" + j.name())));
    }

    private static String names(ArgSpec arg) {
        String label = arg.paramLabel();
        if (arg instanceof OptionSpec o) {
            String value = o.arity().max() == 0 ? "" : " " + label;
            return Arrays.stream(o.names())
                    .map(n -> "`" + n + escape(value) + "`")
                    .collect(Collectors.joining(" = "));
        }
        return "`" + escape(label) + "`";
    }

    private static String name(JobOption.Group group) {
        return group.name().toLowerCase(Locale.ROOT);
    }

    private void row(String... cells) {
        page.append("| ")
                .append(Arrays.stream(cells).map(OptionsPage::escape).collect(Collectors.joining(" | ")))
                .append(" |\n");
    }

    private static String escape(String text) {
        return text.replace("|", "\\|").replace("<", "&lt;");
    }
}
