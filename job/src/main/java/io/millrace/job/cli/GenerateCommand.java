package io.millrace.job.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.job.JobOption;
import io.millrace.job.JobOptions;
import io.millrace.job.StartupChecks;
import io.millrace.job.dataset.Dataset;
import io.millrace.job.dataset.DatasetArgs;
import io.millrace.job.dataset.DatasetPlan;
import io.millrace.job.dataset.InputFiles;
import io.millrace.job.dataset.OutputFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A file of prompts to a file of completions, by the same job in this process. */
@Command(
        name = "generate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Answers every line of a file: chat-completion bodies, {\"prompt\": …}, or lines of the OpenAI batch format.",
            "Completions come in the order of the input; bad lines go to the error file. Replaces the output when done.",
            "Exit code 3: done, but the error file has lines."
        })
final class GenerateCommand implements Callable<Integer>, JobOptionArgs.TakesJobOptions {
    @Mixin
    private Terminal terminal = new Terminal();

    @Mixin
    private JobOptionArgs jobOptionArgs = new JobOptionArgs();

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--input",
            required = true,
            paramLabel = "FILE|DIR",
            description =
                    "JSONL or Parquet file, or a folder: all its *.jsonl or *.parquet files, in the order of their names.")
    private Path input = Path.of("");

    @Option(
            names = "--output",
            required = true,
            paramLabel = "FILE|DIR",
            description =
                    "File for all completions, or a folder that gets a file per input file (an existing one, or with a / at the end).")
    private String output = "";

    @Option(
            names = "--errors",
            paramLabel = "FILE",
            description = "Bad lines, one JSON object each. Default: OUTPUT.errors.jsonl.")
    private @Nullable Path errors;

    @Mixin
    private DatasetArgs datasetArgs = new DatasetArgs();

    @Option(names = "--resume", description = "Go on where an interrupted run of the same input and output stopped.")
    private boolean isResume;

    @Override
    public JobOptionArgs jobOptionArgs() {
        return jobOptionArgs;
    }

    @Override
    public JobOption.Group[] optionGroups() {
        return new JobOption.Group[] {
            JobOption.Group.ENGINE, JobOption.Group.SAMPLING, JobOption.Group.REQUESTS, JobOption.Group.FLINK
        };
    }

    @Override
    public Map<String, String> optionDefaults() {
        return Map.of(
                "model", Home.tinyR1().toString(),
                "parallelism", "1",
                "max-completion-bytes", "64 MiB");
    }

    @Override
    public Integer call() throws IOException {
        JobOptions options = jobOptionArgs.resolve(optionDefaults(), Map.of("content-type", "json"));
        if (jobOptionArgs.printed(options, terminal)) {
            return Main.DONE;
        }
        StartupChecks.modelFolder(Path.of(options.get(JobOptions.MODEL)));
        if (datasetArgs.isAsked() || InputFiles.isParquet(input)) {
            return makeDataset(options);
        }
        DatasetFiles files = DatasetFiles.of(input, output, errors);
        GenerateRun.Result result;
        try (DatasetFiles.Lock lock = files.lock()) {
            Logs.toFile(lock.folder().resolve("millrace.log"));
            String restoreFrom = files.begin(isResume);
            JobOptions here = jobOptionArgs.resolve(
                    optionDefaults(),
                    Map.of(
                            "content-type",
                            "json",
                            "checkpoint-dir",
                            files.checkpoints().toUri().toString()));
            result = new GenerateRun(terminal, here, files, resumeCommand()).execute(restoreFrom);
            lock.deleteWork();
        }
        report(files, result);
        return result.numErrors() > 0 ? Main.SOME_REJECTED : Main.DONE;
    }

    private int makeDataset(JobOptions options) throws IOException {
        if (errors != null) {
            throw new ConfigException("--errors " + errors + " has no effect on a dataset: see its errors-* files");
        }
        long startNanos = System.nanoTime();
        DatasetPlan plan = datasetArgs.plan(options);
        InputFiles inputs = InputFiles.of(input);
        try (OutputFolder folder = OutputFolder.open(Path.of(output), isResume)) {
            Logs.toFile(folder.log());
            long numRows = inputs.countRows();
            ProgressBar bar = terminal.progress(numRows);
            Dataset.Result result = new Dataset(inputs, folder, plan)
                    .make(options.batchSettings(), numRows, command(), done -> bar.update(done, Double.NaN));
            bar.clear();
            DatasetReport.print(terminal, folder.root(), plan, result, (System.nanoTime() - startNanos) / 1e9);
            return result.totals().badRows() > 0 ? Main.SOME_REJECTED : Main.DONE;
        }
    }

    private String command() {
        List<String> args = Objects.requireNonNull(spec)
                .commandLine()
                .getParent()
                .getParseResult()
                .originalArgs();
        return "millrace " + args.stream().map(GenerateCommand::quoted).collect(Collectors.joining(" "));
    }

    /** Returns an argument as a shell takes it back. */
    private static String quoted(String arg) {
        return arg.matches("[A-Za-z0-9_./:=,@%+-]+") ? arg : "'" + arg.replace("'", "'\\''") + "'";
    }

    private String resumeCommand() {
        return command() + (isResume ? "" : " --resume");
    }

    private void report(DatasetFiles files, GenerateRun.Result r) {
        if (terminal.isJson()) {
            ObjectNode json = new ObjectMapper().createObjectNode();
            json.put("rows", r.numCompletions() + r.numErrors());
            json.put("completions", r.numCompletions());
            json.put("errors", r.numErrors());
            json.put("generation_tokens", r.generationTokens());
            json.put("seconds", r.seconds());
            json.put("tokens_per_second", r.generationTokens() / r.seconds());
            json.put("resumed", r.isResumed());
            json.put("output", files.output().toString());
            json.put("errors_file", files.errors().toString());
            terminal.result(json.toString());
            return;
        }
        terminal.say(String.format(
                Locale.ROOT,
                "%,d completions in %s%s",
                r.numCompletions(),
                files.output(),
                r.numErrors() == 0
                        ? ""
                        : String.format(Locale.ROOT, ", %,d bad lines in %s", r.numErrors(), files.errors())));
        terminal.say(String.format(
                Locale.ROOT,
                "%,d tokens in %.1f s: %,.0f tok/s, start included",
                r.generationTokens(),
                r.seconds(),
                r.generationTokens() / r.seconds()));
    }
}
