package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.job.JobOptions;
import io.millrace.job.ServiceOptions;
import io.millrace.job.Topic;
import io.millrace.schemas.CompletionAvro;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.ContentType;
import io.millrace.schemas.WireException;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Completions from a topic, one line each, committed ones only. */
@Command(
        name = "consume",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Prints the completions of a topic as JSON lines: committed ones only, from the beginning.",
            "With --partials the pieces of completions that are being generated, for requests with stream: true.",
            "Ends at the topic's end, or with --max after that many, or with --timeout when nothing came for that long."
        })
final class ConsumeCommand extends TopicCommand {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final ObjectMapper JSON = new ObjectMapper();

    @Option(names = "--topic", paramLabel = "NAME", description = "Instead of --completions-topic.")
    private @Nullable String topic;

    @Option(names = "--partials", description = "Read --partials-topic instead; goes on at the topic's end.")
    private boolean isPartials;

    @Option(names = "--max", paramLabel = "N", description = "Wait for N records, then end.")
    private @Nullable Long max;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            description = "End when nothing came for that long; exit code 1 if --max isn't reached.")
    private @Nullable Double timeoutSeconds;

    @Option(names = "--follow", description = "Go on at the topic's end.")
    private boolean isFollowing;

    @Option(names = "--from-end", description = "Only what comes from now on; goes on at the topic's end.")
    private boolean isFromEnd;

    @Option(
            names = "--envelope",
            description = "Print topic, partition, offset, timestamp, key and headers around each value.")
    private boolean isEnvelope;

    @Override
    int call(JobOptions options) {
        if ((max != null && max < 1) || (timeoutSeconds != null && !(timeoutSeconds > 0))) {
            throw new ConfigException("--max and --timeout must be above 0");
        }
        String name = topic != null
                ? topic
                : options.get(isPartials ? ServiceOptions.PARTIALS_TOPIC : JobOptions.COMPLETIONS_TOPIC);
        boolean endsAtEnd = max == null && timeoutSeconds == null && !isFollowing && !isFromEnd && !isPartials;
        long count = 0;
        try (Topic from = Topic.open(options.kafkaProperties(), !isFromEnd, name)) {
            Map<TopicPartition, Long> ends = from.ends();
            long lastNanos = System.nanoTime();
            while ((max == null || count < max) && (!endsAtEnd || from.isBefore(ends))) {
                for (ConsumerRecord<byte[], byte[]> r : from.poll(POLL)) {
                    if (max == null || count < max) {
                        print(r);
                        count++;
                    }
                    lastNanos = System.nanoTime();
                }
                terminal.flush();
                if (timeoutSeconds != null && System.nanoTime() - lastNanos > timeoutSeconds * 1e9) {
                    break;
                }
            }
        }
        if (max != null && count < max) {
            throw new IllegalStateException(
                    "only " + count + " of " + max + " records came: nothing for " + timeoutSeconds + " s");
        }
        return Main.DONE;
    }

    private void print(ConsumerRecord<byte[], byte[]> r) {
        byte[] value = asJson(r);
        if (!isEnvelope) {
            terminal.row(value);
            return;
        }
        ObjectNode json = JSON.createObjectNode();
        json.put("topic", r.topic()).put("partition", r.partition()).put("offset", r.offset());
        json.put("timestamp", r.timestamp());
        json.put("key", r.key() == null ? null : new String(r.key(), UTF_8));
        ObjectNode headers = json.putObject("headers");
        for (Header h : r.headers()) {
            headers.put(h.key(), h.value() == null ? null : new String(h.value(), UTF_8));
        }
        JsonNode parsed = parse(value);
        if (parsed == null) {
            json.put("value_base64", r.value());
        } else {
            json.set("value", parsed);
        }
        terminal.row(json.toString());
    }

    private static byte[] asJson(ConsumerRecord<byte[], byte[]> r) {
        Header type = r.headers().lastHeader(ContentType.HEADER);
        boolean isAvro = type != null && new String(type.value(), UTF_8).startsWith(ContentType.AVRO.mimeType());
        if (isAvro) {
            try {
                return CompletionJson.encode(CompletionAvro.decode(r.value()));
            } catch (WireException e) {
                return r.value(); // a dead letter's, for instance: shown as it is
            }
        }
        return r.value() == null ? new byte[0] : r.value();
    }

    private static @Nullable JsonNode parse(byte[] value) {
        try {
            return JSON.readTree(value);
        } catch (IOException e) {
            return null; // no JSON: shown in base64
        }
    }
}
