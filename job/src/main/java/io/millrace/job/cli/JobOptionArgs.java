package io.millrace.job.cli;

import io.millrace.job.JobOption;
import io.millrace.job.JobOptions;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** The options of {@link JobOptions} that a command takes, in picocli's words. */
final class JobOptionArgs {
    @Option(
            names = "--config",
            paramLabel = "FILE.yaml",
            description = "File with lines \"option: value\"; the command line overrides it.")
    private @Nullable Path configFile;

    @Option(names = "--print-config", description = "Print the effective options with their origin, and stop.")
    private boolean isPrintConfig;

    private final Map<String, String> given = new LinkedHashMap<>();

    /** Adds the groups' options to a command. */
    void addTo(CommandSpec spec, TakesJobOptions command) {
        List<JobOption.Group> groups = Arrays.asList(command.optionGroups());
        JobOptions.ALL.stream()
                .filter(o -> groups.contains(o.group()))
                .forEach(o -> spec.addOption(option(o, command)));
    }

    /** A command with job options. */
    interface TakesJobOptions {
        /** The mixin that collects them. */
        JobOptionArgs jobOptionArgs();

        /** Which groups it takes. */
        JobOption.Group[] optionGroups();

        /** Values that replace the list's defaults, by name. */
        Map<String, String> optionDefaults();
    }

    private OptionSpec option(JobOption<?> o, TakesJobOptions command) {
        String[] names =
                o.alias() == null ? new String[] {"--" + o.name()} : new String[] {"--" + o.name(), "--" + o.alias()};
        String defaultText = command.optionDefaults().getOrDefault(o.name(), o.defaultText());
        OptionSpec.Builder b = OptionSpec.builder(names)
                .type(String.class)
                .paramLabel(o.unit().contains(" ") ? "<" + o.unit() + ">" : o.unit())
                .description(o.help() + (defaultText.isEmpty() ? "" : " Default: " + defaultText + "."))
                .setter(new ISetter() {
                    @Override
                    @SuppressWarnings("unchecked")
                    public <T> @Nullable T set(@Nullable T value) {
                        return (T) (value == null ? given.remove(o.name()) : given.put(o.name(), (String) value));
                    }
                });
        return (o.unit().equals("true or false") ? b.arity("0..1").fallbackValue("true") : b.arity("1")).build();
    }

    /**
     * Merges the sources.
     *
     * @param defaults values that replace the list's defaults
     * @param fixed values that the command sets itself, over everything
     */
    JobOptions resolve(Map<String, String> defaults, Map<String, String> fixed) {
        Map<String, String> all = new LinkedHashMap<>(given);
        all.putAll(fixed);
        return JobOptions.of(defaults, configFile, all);
    }

    /** Prints the effective options if asked to. Returns whether it did. */
    boolean printed(JobOptions options, Terminal terminal) {
        if (isPrintConfig) {
            terminal.result(options.toYaml().stripTrailing());
        }
        return isPrintConfig;
    }
}
