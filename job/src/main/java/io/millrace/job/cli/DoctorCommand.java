package io.millrace.job.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.job.Finding;
import io.millrace.job.JobOption;
import io.millrace.job.JobOptions;
import io.millrace.job.MachineChecks;
import io.millrace.job.StartupChecks;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The start-up checks without a start. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Checks what a job needs, with the job's own options: this machine (Java, back end, model, memory), the broker (version,",
            "transaction time-out, topics, replicas, sizes, rights, clock). A starting job makes the broker's checks, too.",
            "One line per check. Exit code 1: one failed, and the job would refuse to start."
        })
final class DoctorCommand implements Callable<Integer>, JobOptionArgs.TakesJobOptions {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Mixin
    private Terminal terminal = new Terminal();

    @Mixin
    private JobOptionArgs jobOptionArgs = new JobOptionArgs();

    @Option(names = "--no-broker", description = "Leave out the broker's checks.")
    private boolean isWithoutBroker;

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
    public Integer call() {
        JobOptions options = jobOptionArgs.resolve(Map.of("model", Home.tinyR1().toString()), Map.of());
        if (jobOptionArgs.printed(options, terminal)) {
            return Main.DONE;
        }
        List<Finding> findings = new ArrayList<>(MachineChecks.look(options));
        if (!isWithoutBroker) {
            findings.addAll(StartupChecks.look(options));
        }
        findings.forEach(this::show);
        return findings.stream().anyMatch(f -> f.verdict() == Finding.Verdict.FAILED) ? Main.FAILED : Main.DONE;
    }

    private void show(Finding f) {
        String verdict = f.verdict().name().toLowerCase(Locale.ROOT);
        String text = f.text().lines().findFirst().orElse("");
        if (terminal.isJson()) {
            terminal.result(JSON.createObjectNode()
                    .put("check", f.check())
                    .put("verdict", verdict)
                    .put("text", text)
                    .toString());
        } else {
            terminal.say(String.format(Locale.ROOT, "%-8s %-21s %s", verdict, f.check(), text));
        }
    }
}
