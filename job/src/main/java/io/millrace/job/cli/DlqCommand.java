package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.job.DeadLetter;
import io.millrace.job.DeadLetterReplay;
import io.millrace.job.JobOptions;
import io.millrace.job.Position;
import io.millrace.job.Republisher;
import io.millrace.schemas.ContentType;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.time.Instant;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prompts that couldn't be answered: what they are, why, and another try. */
@Command(
        name = "dlq",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Looks at dead letters and replays them.",
        subcommands = {DlqCommand.ListLetters.class, DlqCommand.Show.class, DlqCommand.Replay.class})
final class DlqCommand {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Which letters. */
    static final class Filter {
        @Option(
                names = "--stage",
                paramLabel = "STAGE",
                description = "Only those that failed there: decode, tokenize, …")
        private @Nullable String stage;

        @Option(names = "--key", paramLabel = "KEY", description = "Only those with that key.")
        private @Nullable String key;

        @Option(names = "--retriable", description = "Only those for which a replay may help.")
        private boolean isRetriable;

        @Option(
                names = "--position",
                paramLabel = "TOPIC-PARTITION-OFFSET",
                description = "Only this one, as list names it.")
        private @Nullable String position;

        boolean test(DeadLetter letter) {
            return (stage == null || stage.equals(letter.error("stage")))
                    && (key == null || key.equals(letter.keyText()))
                    && (!isRetriable || letter.isRetriable())
                    && (position == null || position.equals(letter.position().toString()));
        }
    }

    /** One line a letter. */
    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description =
                    "Lists dead letters, oldest first: position, key, stage, attempt, whether a replay may help, why.")
    static final class ListLetters extends TopicCommand {
        @Mixin
        private Filter filter = new Filter();

        @Option(names = "--max", paramLabel = "N", defaultValue = "1000", description = "Default: ${DEFAULT-VALUE}.")
        private long max;

        @Override
        int call(JobOptions options) {
            if (max < 1) {
                throw new ConfigException("--max is " + max + " but must be at least 1");
            }
            long[] count = new long[1];
            new DeadLetterReplay(options).forEach(letter -> {
                if (filter.test(letter)) {
                    terminal.row(terminal.isJson() ? summary(letter).toString() : line(letter));
                    count[0]++;
                }
                return count[0] < max;
            });
            terminal.flush();
            if (count[0] == max) {
                terminal.note("ended after " + max + " letters: --max shows more");
            }
            return Main.DONE;
        }

        private static String line(DeadLetter l) {
            String message = l.error("message").lines().findFirst().orElse("");
            return l.position() + "  " + (l.keyText() == null ? "-" : JSON.valueToTree(l.keyText())) + "  "
                    + l.error("stage") + "  attempt " + l.error("attempt") + (l.isRetriable() ? "  retriable  " : "  ")
                    + message;
        }
    }

    /** One letter in full. */
    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description =
                    "Shows one dead letter as JSON: headers, and the prompt as text or, if it is none, in base64.")
    static final class Show extends TopicCommand {
        @Parameters(paramLabel = "TOPIC-PARTITION-OFFSET", description = "As list names it.")
        private String position = "";

        @Override
        int call(JobOptions options) {
            Position wanted = Position.parse(position);
            if (wanted == null) {
                throw new ConfigException("\"" + position + "\" is no position: it looks like llm.prompts.dlq-0-17");
            }
            boolean[] isFound = new boolean[1];
            new DeadLetterReplay(options).forEach(letter -> {
                if (letter.position().equals(wanted)) {
                    isFound[0] = true;
                    terminal.result(full(letter).toString());
                }
                return !isFound[0];
            });
            if (!isFound[0]) {
                throw new ConfigException(
                        "there is no dead letter " + wanted + ": dlq list shows those that are there");
            }
            return Main.DONE;
        }
    }

    /** Another try. */
    @Command(
            name = "replay",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = {
                "Sends dead letters to the prompts' topic again, oldest first: key, bytes and headers as they were.",
                "A letter is replayed once at most: the copy's header " + Republisher.HEADER
                        + " names it, and as long as",
                "the prompts' topic keeps the copy, a further replay leaves the letter out. Truncated letters are left out."
            })
    static final class Replay extends TopicCommand {
        @Mixin
        private Filter filter = new Filter();

        @Option(names = "--dry-run", description = "Only say what would be replayed.")
        private boolean isDryRun;

        @Override
        int call(JobOptions options) {
            DeadLetterReplay.Report report;
            try (Republisher republisher = isDryRun ? null : Republisher.open(options)) {
                report = new DeadLetterReplay(options)
                        .run(
                                filter::test,
                                republisher,
                                l -> terminal.say((isDryRun ? "would replay " : "replayed ") + l.position()));
            }
            if (terminal.isJson()) {
                ObjectNode json = JSON.createObjectNode();
                json.put("matching", report.numMatching()).put("replayed", isDryRun ? 0 : report.numReplayed());
                json.put("replayed_before", report.numReplayedBefore()).put("truncated", report.numTruncated());
                terminal.result(json.toString());
            } else {
                terminal.say(report.numMatching() + " dead letters: " + report.numReplayed()
                        + (isDryRun ? " would be replayed, " : " replayed, ") + report.numReplayedBefore()
                        + " replayed before, " + report.numTruncated() + " truncated");
            }
            return report.numTruncated() > 0 ? Main.SOME_REJECTED : Main.DONE;
        }
    }

    private static ObjectNode summary(DeadLetter l) {
        ObjectNode json = JSON.createObjectNode();
        json.put("position", l.position().toString()).put("key", l.keyText());
        Position prompt = l.prompt();
        json.put("prompt", prompt == null ? null : prompt.toString());
        json.put("time", Instant.ofEpochMilli(l.record().timestamp()).toString());
        json.put("stage", l.error("stage")).put("class", l.error("class")).put("message", l.error("message"));
        json.put("attempt", l.error("attempt"))
                .put("retriable", l.isRetriable())
                .put("truncated", l.isTruncated());
        return json;
    }

    private static ObjectNode full(DeadLetter l) {
        ObjectNode json = summary(l);
        ObjectNode headers = json.putObject("headers");
        for (Header h : l.record().headers()) {
            headers.put(h.key(), h.value() == null ? null : new String(h.value(), UTF_8));
        }
        byte[] value = l.record().value();
        String text = value == null || headers.path(ContentType.HEADER).asText().startsWith(ContentType.AVRO.mimeType())
                ? null
                : text(value);
        if (text != null) {
            json.put("value", text);
        } else {
            json.put("value_base64", value);
        }
        return json;
    }

    private static @Nullable String text(byte[] value) {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString();
        } catch (CharacterCodingException e) {
            return null; // shown in base64
        }
    }
}
