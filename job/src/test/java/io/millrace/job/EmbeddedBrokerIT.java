package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedBrokerIT {
    @TempDir
    Path folder;

    @Test
    void comesUpTakesLargeRecordsGoesDownAndKeepsThem() {
        byte[] large = new byte[5 << 20];
        String address;
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"))) {
            address = broker.bootstrapServers();
            assertThat(address).startsWith("127.0.0.1:");
            broker.createTopics(3, "t");
            try (TopicWriter t = TopicWriter.open(client(broker), "t", 6 << 20)) {
                t.send("k".getBytes(UTF_8), large, List.of(new RecordHeader("h", new byte[] {1})));
                t.send(null, null, List.of());
                t.flush();
            }
            assertThat(read(broker, "t")).hasSize(2);
            assertThatThrownBy(() -> TopicWriter.open(client(broker), "none", 100))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageStartingWith("can't write to topic none at " + address);
            assertThatThrownBy(() -> Topic.open(client(broker), true, "none"))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("no topic none");
            refusesWhatTheBrokerCantHold(broker);
        }
        assertThatThrownBy(() -> new Socket("127.0.0.1", Integer.parseInt(address.substring(10))).close())
                .hasMessageContaining("refused");
        try (EmbeddedBroker again = EmbeddedBroker.start(folder.resolve("kafka"))) {
            assertThat(read(again, "t"))
                    .hasSize(2)
                    .anySatisfy(v -> assertThat(v).isEqualTo(large));
        }
    }

    private static void refusesWhatTheBrokerCantHold(EmbeddedBroker broker) {
        broker.createTopics(1, "p", "c", "d");
        List<String> args = List.of(
                "--bootstrap-servers", broker.bootstrapServers(), "--prompts-topic", "p", "--completions-topic", "c");

        StartupChecks.broker(options(args, "--dlq-topic", "d"));
        assertThatThrownBy(() -> StartupChecks.broker(options(args, "--dlq-topic", "x")))
                .isInstanceOf(ConfigException.class)
                .hasMessage("no topic x on " + broker.bootstrapServers()
                        + ": create with kafka-topics --create --topic NAME --partitions N");
        assertThatThrownBy(
                        () -> StartupChecks.broker(options(args, "--dlq-topic", "d", "--transaction-timeout", "1 h")))
                .isInstanceOf(ConfigException.class)
                .hasMessage("transaction-timeout is 3600000 ms but the broker's transaction.max.timeout.ms is 900000:"
                        + " lower the one or raise the other");
        assertThatThrownBy(() ->
                        StartupChecks.broker(options(args, "--dlq-topic", "d", "--max-completion-bytes", "9 MiB")))
                .isInstanceOf(ConfigException.class)
                .hasMessage("max-completion-bytes is 9437184 but max.message.bytes of topic c is 8388608:"
                        + " lower the one or raise the other");
    }

    private static JobOptions options(List<String> args, String... more) {
        List<String> all = new ArrayList<>(args);
        all.addAll(List.of(more));
        return JobOptions.parse(all.toArray(String[]::new));
    }

    private static List<byte[]> read(EmbeddedBroker broker, String topic) {
        List<byte[]> values = new ArrayList<>();
        try (Topic t = Topic.open(client(broker), true, topic)) {
            var ends = t.ends();
            while (t.isBefore(ends)) {
                t.poll(Duration.ofMillis(100)).forEach(r -> values.add(r.value()));
            }
        }
        return values;
    }

    private static Properties client(EmbeddedBroker broker) {
        Properties p = new Properties();
        p.setProperty("bootstrap.servers", broker.bootstrapServers());
        return p;
    }
}
