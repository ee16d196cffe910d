package io.millrace.job.cli;

import io.millrace.engine.ConfigException;
import io.millrace.job.EmbeddedBroker;
import io.millrace.job.JobOption;
import io.millrace.job.JobOptions;
import io.millrace.job.StartupChecks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The main job on an embedded default: broker, Flink cluster and engine in this process, sample prompts with known answers. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Runs the whole pipeline in this process: a Kafka broker, a Flink cluster, the job with the shipped model.",
            "Publishes sample prompts, shows answers as they come, checks them, and writes completions.jsonl."
        })
final class DemoCommand implements Callable<Integer>, JobOptionArgs.TakesJobOptions {
    private static final int NUM_PARTITIONS = 4;
    private static final String UNDISTURBED_TOPIC = "llm.completions.undisturbed";

    @Mixin
    private Terminal terminal = new Terminal();

    @Mixin
    private JobOptionArgs jobOptionArgs = new JobOptionArgs();

    @Option(
            names = "--requests",
            paramLabel = "N",
            defaultValue = "256",
            description = "Prompts. Default: ${DEFAULT-VALUE}.")
    private int numRequests;

    @Option(
            names = "--work",
            paramLabel = "DIR",
            description =
                    "Folder for completions.jsonl, the log and the broker's data. Default: millrace-work/demo-TIME.")
    private @Nullable Path work;

    @Option(
            names = "--kill-at",
            paramLabel = "N",
            split = ",",
            description = {
                "Kill the task manager after N completions (N,N,… = several times). Afterwards the same prompts run once more",
                "undisturbed, and both runs' completions are compared byte for byte."
            })
    private List<Integer> killAt = List.of();

    @Override
    public JobOptionArgs jobOptionArgs() {
        return jobOptionArgs;
    }

    @Override
    public JobOption.Group[] optionGroups() {
        return new JobOption.Group[] {JobOption.Group.ENGINE, JobOption.Group.FLINK};
    }

    @Override
    public Map<String, String> optionDefaults() {
        return Map.of(
                "model", Home.tinyR1().toString(),
                "checkpoint-interval", "500 ms",
                "parallelism", "1",
                "max-completion-bytes", "8000000");
    }

    @Override
    public Integer call() throws IOException {
        if (numRequests < 1) {
            throw new ConfigException("--requests is " + numRequests + " but must be at least 1");
        }
        for (int at : killAt) {
            if (at < 1 || at >= numRequests) {
                throw new ConfigException(
                        "--kill-at is " + at + " but must be from 1 to " + (numRequests - 1) + ", below --requests");
            }
        }
        JobOptions options = jobOptionArgs.resolve(optionDefaults(), Map.of());
        if (jobOptionArgs.printed(options, terminal)) {
            return Main.DONE;
        }
        Path model = Path.of(options.get(JobOptions.MODEL));
        StartupChecks.modelFolder(model);
        List<SamplePrompt> prompts = SamplePrompt.load(Home.tinyR1().resolve("eval.jsonl"), numRequests);
        Path folder = work != null
                ? work
                : Path.of(
                        "millrace-work",
                        "demo-"
                                + DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss")
                                        .format(LocalDateTime.now(ZoneId.systemDefault())));
        Files.createDirectories(folder);
        Path log = Logs.toFile(folder.resolve("millrace.log"));
        terminal.say(prompts.size() + " prompts for " + model.getFileName() + " on " + options.get(JobOptions.BACKEND)
                + "; broker, Flink and engine run in this process (log: " + log + ")");
        return run(options, prompts, folder);
    }

    private int run(JobOptions options, List<SamplePrompt> prompts, Path folder) throws IOException {
        Path kafka = Folders.empty(folder.resolve("kafka"));
        Path checkpoints = Folders.empty(folder.resolve("checkpoints"));
        DemoReport report;
        try (EmbeddedBroker broker = EmbeddedBroker.start(kafka)) {
            broker.createTopics(
                    NUM_PARTITIONS,
                    options.get(JobOptions.PROMPTS_TOPIC),
                    options.get(JobOptions.COMPLETIONS_TOPIC),
                    UNDISTURBED_TOPIC,
                    options.get(JobOptions.DLQ_TOPIC));
            Map<String, String> here = new LinkedHashMap<>();
            here.put("bootstrap-servers", broker.bootstrapServers());
            here.put("control-topic", "");
            here.put("partials-topic", "");
            here.put("checkpoint-dir", checkpoints.toAbsolutePath().toUri().toString());
            JobOptions first = jobOptionArgs.resolve(optionDefaults(), here);
            DemoRun run = new DemoRun(terminal, first, prompts, killAt);
            run.publish();
            report = run.execute();
            report.write(folder);
            if (!killAt.isEmpty()) {
                here.put("completions-topic", UNDISTURBED_TOPIC);
                here.put("group-id", "millrace-undisturbed");
                here.put("transactional-id-prefix", "millrace-undisturbed");
                terminal.say("the same prompts once more, undisturbed …");
                JobOptions second = jobOptionArgs.resolve(optionDefaults(), here);
                report = report.comparedWith(new DemoRun(terminal, second, prompts, List.of()).execute());
            }
        }
        Folders.delete(kafka);
        Folders.delete(checkpoints);
        report.print(terminal, folder);
        return report.exitCode();
    }
}
