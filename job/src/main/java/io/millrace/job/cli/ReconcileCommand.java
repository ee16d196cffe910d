package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.job.JobOptions;
import io.millrace.job.Position;
import io.millrace.job.Reconciliation;
import io.millrace.job.RecordId;
import io.millrace.job.Republisher;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Prompts without an answer. */
@Command(
        name = "reconcile",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Lists the prompts that have neither a completion nor a dead letter; --publish sends them again.",
            "Compares by topic, partition and offset. Needs 3 bits of memory per prompt on the topic. A prompt gets at most one copy,",
            "whose header " + Republisher.HEADER + " names it; key, value and headers stay.",
            "Exit code 3: some prompts are missing and were not published."
        })
final class ReconcileCommand extends TopicCommand {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Option(names = "--publish", description = "Send the missing prompts to the prompts' topic again.")
    private boolean isPublishing;

    @Option(
            names = "--older-than",
            paramLabel = "SECONDS",
            defaultValue = "3600",
            description =
                    "Leave out prompts younger than that: they may be in flight. Longer than the longest request takes; "
                            + "0 is right when the job has stopped or nothing is running. Default: ${DEFAULT-VALUE}.")
    private long olderThanSeconds;

    @Override
    int call(JobOptions options) {
        if (olderThanSeconds < 0) {
            throw new ConfigException("--older-than is " + olderThanSeconds + " but must be at least 0");
        }
        Reconciliation.Report report;
        try (Republisher republisher = isPublishing ? Republisher.open(options) : null) {
            report = new Reconciliation(
                            options, Duration.ofSeconds(olderThanSeconds), Clock.systemUTC(), this::showMissing)
                    .run(republisher);
        }
        show(report);
        return report.numMissing() > report.numPublished() ? Main.SOME_REJECTED : Main.DONE;
    }

    private void showMissing(ConsumerRecord<byte[], byte[]> r) {
        String position = new Position(r.topic(), r.partition(), r.offset()).toString();
        @Nullable String key = r.key() == null ? null : new String(r.key(), UTF_8);
        @Nullable String id = RecordId.find(r.value());
        Instant time = Instant.ofEpochMilli(r.timestamp());
        if (terminal.isJson()) {
            ObjectNode row = JSON.createObjectNode();
            row.put("missing", position).put("key", key).put("id", id).put("published", time.toString());
            terminal.row(row.toString());
        } else {
            terminal.say("missing " + position + "  id " + (id == null ? "-" : JSON.valueToTree(id)) + "  published "
                    + time);
        }
    }

    private void show(Reconciliation.Report r) {
        if (terminal.isJson()) {
            ObjectNode json = JSON.createObjectNode();
            json.put("prompts", r.numPrompts()).put("answered", r.numAnswered());
            json.put("uncommitted", r.numUncommitted()).put("republished_before", r.numCopied());
            json.put("not_read", r.numWaiting()).put("recent", r.numRecent());
            json.put("missing", r.numMissing()).put("republished", r.numPublished());
            json.put("unattributed_answers", r.numUnreadable());
            terminal.result(json.toString());
            return;
        }
        terminal.say(r.numPrompts() + " prompts: " + r.numAnswered() + " answered, " + r.numUncommitted()
                + " with an uncommitted answer, " + r.numCopied() + " republished before, " + r.numWaiting()
                + " not read by the job, " + r.numRecent() + " younger than " + olderThanSeconds + " s, "
                + r.numMissing()
                + " missing" + (isPublishing ? ", " + r.numPublished() + " of them republished" : ""));
        if (r.numUnreadable() > 0) {
            terminal.note(r.numUnreadable() + " completions or dead letters don't say which prompt they answer");
        }
        if (r.numMissing() > 0 && !isPublishing) {
            terminal.note("millrace reconcile --publish sends the missing ones again");
        }
    }
}
