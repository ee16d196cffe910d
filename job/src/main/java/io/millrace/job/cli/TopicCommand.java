package io.millrace.job.cli;

import io.millrace.job.JobOption;
import io.millrace.job.JobOptions;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;

/** A command that works on the job's topics: takes the options of Kafka, and prints them instead if asked to. */
abstract class TopicCommand implements Callable<Integer>, JobOptionArgs.TakesJobOptions {
    @Mixin
    protected Terminal terminal = new Terminal();

    @Mixin
    private JobOptionArgs jobOptionArgs = new JobOptionArgs();

    @Override
    public JobOptionArgs jobOptionArgs() {
        return jobOptionArgs;
    }

    @Override
    public JobOption.Group[] optionGroups() {
        return new JobOption.Group[] {JobOption.Group.KAFKA};
    }

    @Override
    public Map<String, String> optionDefaults() {
        return Map.of();
    }

    @Override
    public final Integer call() throws IOException {
        JobOptions options = jobOptionArgs.resolve(Map.of(), Map.of());
        return jobOptionArgs.printed(options, terminal) ? Main.DONE : call(options);
    }

    /** Does it. Returns the exit code. */
    abstract int call(JobOptions options) throws IOException;
}
