package io.millrace.bench.torture;

import io.millrace.job.MillraceJob;
import io.millrace.job.cli.Home;
import io.millrace.job.local.ClusterSettings;
import io.millrace.job.local.FlinkRun;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The job that runs on a tortured cluster. */
final class TortureJob {
    static final String PROMPTS = "llm.prompts";
    static final String COMPLETIONS = "llm.completions";
    static final String PARTIALS = "llm.completions.partial";
    static final String DEAD_LETTERS = "llm.prompts.dlq";
    /** Requests that a subtask takes at once, decoded or waiting. */
    static final int MAX_IN_FLIGHT = 64;

    private static final List<String> OPTIONS = List.of(
            "--temperature=0",
            "--checkpoint-interval=1 s",
            "--max-num-seqs=32",
            "--max-in-flight-requests=" + MAX_IN_FLIGHT,
            "--threads=1",
            "--partial-interval=0 ms");

    private TortureJob() {}

    /**
     * Submits it, with one subtask on each task manager.
     *
     * @param settings of the cluster as clients see it
     * @param more options
     * @return the job's id
     */
    static String submit(ClusterSettings settings, List<String> more) throws IOException {
        List<String> args = new ArrayList<>(OPTIONS);
        args.add("--model=" + Home.tinyR1());
        args.add("--bootstrap-servers=" + settings.bootstrapServers());
        args.add("--metrics-port=" + settings.metricsPorts());
        args.add("--parallelism=" + settings.numTaskManagers());
        args.addAll(more);
        FlinkRun.Submitted submitted = new FlinkRun(settings.conf(), Home.lib(), Home.jobJar())
                .submit(MillraceJob.class.getName(), null, args);
        if (submitted.jobId() == null) {
            throw new IllegalStateException("flink run failed: " + submitted.reason());
        }
        return submitted.jobId();
    }
}
