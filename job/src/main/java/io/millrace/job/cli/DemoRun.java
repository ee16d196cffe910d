package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineMetrics;
import io.millrace.job.EmbeddedBroker;
import io.millrace.job.EmbeddedFlink;
import io.millrace.job.JobOptions;
import io.millrace.job.MillraceJob;
import io.millrace.job.Topic;
import io.millrace.job.TopicWriter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/** One run of the job over the sample prompts: from starting it to its last answer, with kills on the way. Thread: the command's. */
final class DemoRun {
    private static final Duration POLL = Duration.ofMillis(20);
    private static final int NUM_SHOWN = 5;

    private final Terminal terminal;
    private final JobOptions options;
    private final List<SamplePrompt> prompts;
    private final Deque<Integer> killAt;
    private final DemoTally tally;
    private final ProgressBar bar;
    private final EngineMetrics metrics = EngineHost.metrics();
    private final Busy busy = new Busy(metrics);
    private final boolean isShowing;
    private int numShown;
    private int numKills;

    /**
     * Prepares a run.
     *
     * @param killAt the task manager is killed when that many prompts are answered, ascending; also which run shows answers
     */
    DemoRun(Terminal terminal, JobOptions options, List<SamplePrompt> prompts, List<Integer> killAt) {
        this.terminal = terminal;
        this.options = options;
        this.prompts = prompts;
        this.killAt = new ArrayDeque<>(killAt.stream().sorted().toList());
        this.tally = new DemoTally(prompts);
        this.bar = terminal.progress(prompts.size());
        this.isShowing = !options.get(JobOptions.GROUP_ID).equals("millrace-undisturbed");
    }

    /** Publishes the prompts and waits until the broker has them. */
    void publish() {
        try (TopicWriter topic = TopicWriter.open(
                options.kafkaProperties(), options.get(JobOptions.PROMPTS_TOPIC), EmbeddedBroker.MAX_MESSAGE_BYTES)) {
            prompts.forEach(p -> topic.send(p.id().getBytes(UTF_8), p.value(), List.of()));
            topic.flush();
        }
    }

    /** Runs the job until every prompt is answered, then looks once more for records too many. */
    DemoReport execute() {
        long drawnBefore = metrics.generationTokens.sum();
        try (Topic answers = Topic.open(
                        options.kafkaProperties(),
                        true,
                        options.get(JobOptions.COMPLETIONS_TOPIC),
                        options.get(JobOptions.DLQ_TOPIC));
                EmbeddedFlink flink = EmbeddedFlink.start(
                        MillraceJob.flinkSettings(options), env -> MillraceJob.build(env, options), null)) {
            CompletableFuture<JobResult> end = flink.result();
            while (tally.numLost() > 0) {
                take(answers);
                busy.look();
                bar.update(tally.numCompletions(), tally.ttftP50Ms());
                if (!killAt.isEmpty() && tally.numCompletions() >= killAt.peek()) {
                    kill(flink, killAt.pop());
                }
                flink.throwIfMisconfigured();
                if (end.isDone()) {
                    JobFailure.check(end.join());
                    throw new IllegalStateException("the job ended with " + tally.numLost() + " prompts unanswered");
                }
            }
            flink.cancel();
            Map<TopicPartition, Long> ends = answers.ends();
            while (answers.isBefore(ends)) {
                take(answers);
            }
        }
        bar.clear();
        long drawn = metrics.generationTokens.sum() - drawnBefore;
        return new DemoReport(tally, busy.seconds(), numKills, drawn - tally.completionTokens(), null);
    }

    private void take(Topic answers) {
        for (ConsumerRecord<byte[], byte[]> r : answers.poll(POLL)) {
            if (r.topic().equals(options.get(JobOptions.DLQ_TOPIC))) {
                tally.deadLetter(r.key() == null ? r.toString() : new String(r.key(), UTF_8), r.value());
            } else {
                show(tally.completion(r.value()));
            }
        }
    }

    private void show(DemoTally.Answer answer) {
        if (!isShowing || numShown++ >= NUM_SHOWN) {
            return;
        }
        bar.clear();
        terminal.say("");
        terminal.say("  prompt     " + answer.prompt().question());
        terminal.say("  reasoning  " + answer.reasoning().replace("\n", "\n             "));
        terminal.say("  answer     " + answer.content()
                + (answer.isCorrect()
                        ? "  (right)"
                        : "  (wrong: " + answer.prompt().answer() + " is right)"));
    }

    private void kill(EmbeddedFlink flink, int at) {
        bar.clear();
        flink.killTaskManager();
        numKills++;
        terminal.say("");
        terminal.say("  killed the task manager after " + tally.numCompletions() + " completions (--kill-at " + at
                + "); another one took its place");
    }

    /** When the engine made its first and its latest token, as seen by looking often. */
    private static final class Busy {
        private final EngineMetrics metrics;
        private long seen;
        private long firstNanos;
        private long lastNanos;

        Busy(EngineMetrics metrics) {
            this.metrics = metrics;
            this.seen = metrics.steps.sum();
        }

        void look() {
            long now = metrics.steps.sum();
            if (now != seen) {
                lastNanos = System.nanoTime();
                firstNanos = firstNanos == 0 ? lastNanos - POLL.toNanos() : firstNanos;
                seen = now;
            }
        }

        double seconds() {
            return (lastNanos - firstNanos) / 1e9;
        }
    }
}
