package io.millrace.job.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.ConfigException;
import io.millrace.job.JobOption;
import io.millrace.job.JobOptions;
import io.millrace.job.MillraceJob;
import io.millrace.job.StartupChecks;
import io.millrace.job.local.ClusterSettings;
import io.millrace.job.local.FlinkRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flink run} with the right options. */
@Command(
        name = "submit",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Starts the job on a Flink cluster, by Flink's own client, and prints its id. Without --flink-conf: on the cluster of",
            "./millrace local up, with its broker."
        })
final class SubmitCommand implements Callable<Integer>, JobOptionArgs.TakesJobOptions {
    @Mixin
    private Terminal terminal = new Terminal();

    @Mixin
    private LocalCommand.Where where = new LocalCommand.Where();

    @Mixin
    private JobOptionArgs jobOptionArgs = new JobOptionArgs();

    @Option(
            names = "--flink-conf",
            paramLabel = "DIR",
            description = "Configuration folder of another Flink cluster (with config.yaml).")
    private @Nullable Path flinkConf;

    @Option(names = "--from-savepoint", paramLabel = "PATH", description = "Checkpoint or savepoint to go on from.")
    private @Nullable String savepoint;

    @Override
    public JobOptionArgs jobOptionArgs() {
        return jobOptionArgs;
    }

    @Override
    public JobOption.Group[] optionGroups() {
        return JobOption.Group.values();
    }

    @Override
    public Map<String, String> optionDefaults() {
        return Map.of();
    }

    @Override
    public Integer call() throws IOException {
        Map<String, String> defaults = new LinkedHashMap<>();
        defaults.put("model", Home.tinyR1().toString());
        Path conf = flinkConf;
        if (conf == null) {
            ClusterSettings local = ClusterSettings.read(where.folder());
            defaults.put("bootstrap-servers", local.bootstrapServers());
            defaults.put("metrics-port", local.metricsPorts());
            defaults.put("checkpoint-interval", "1 s");
            defaults.put("parallelism", Integer.toString(local.numTaskManagers()));
            conf = local.conf();
        }
        JobOptions options = jobOptionArgs.resolve(defaults, Map.of());
        if (jobOptionArgs.printed(options, terminal)) {
            return Main.DONE;
        }
        StartupChecks.broker(options);
        List<String> args = new ArrayList<>();
        options.values().forEach((name, value) -> {
            if (!value.origin().equals("default") || defaults.containsKey(name)) {
                args.add("--" + name + "=" + value.text());
            }
        });
        FlinkRun.Submitted submitted =
                new FlinkRun(conf, Home.lib(), Home.jobJar()).submit(MillraceJob.class.getName(), savepoint, args);
        if (submitted.jobId() == null) {
            throw new ConfigException("flink run failed: " + submitted.reason());
        }
        if (terminal.isJson()) {
            terminal.result(new ObjectMapper()
                    .createObjectNode()
                    .put("job_id", submitted.jobId())
                    .toString());
        } else {
            terminal.say("job " + submitted.jobId() + " is on its way");
        }
        return Main.DONE;
    }
}
