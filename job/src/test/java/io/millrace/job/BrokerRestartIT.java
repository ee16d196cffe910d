package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The broker goes away under a running job and comes back: source and exactly-once sink wait for it. No engine: prompts pass through. */
class BrokerRestartIT {
    private static final int NUM_PROMPTS = 200;

    @TempDir
    Path folder;

    @Test
    void aBrokerThatComesBackLosesAndDoublesNothing() throws Exception {
        int port = freePort();
        String address = "127.0.0.1:" + port;
        Map<String, String> settings = Map.of(
                "listeners", "FIXED://" + address,
                "advertised.listeners", "FIXED://" + address,
                "listener.security.protocol.map", "FIXED:PLAINTEXT");
        JobOptions options = options(address);
        KafkaEnds kafka = new KafkaEnds(options);
        EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"), settings);
        try {
            broker.createTopics(1, "p", "c", "d");
            try (EmbeddedFlink flink = EmbeddedFlink.start(
                    MillraceJob.flinkSettings(options),
                    env -> env.fromSource(kafka.prompts(), WatermarkStrategy.noWatermarks(), "prompts")
                            .sinkTo(kafka.completions()),
                    null)) {
                for (int i = 0; i < NUM_PROMPTS; i++) {
                    if (i == NUM_PROMPTS / 2) {
                        broker.close(); // some answers are in transactions that no checkpoint has ended yet
                        broker = EmbeddedBroker.start(folder.resolve("kafka"), settings);
                    }
                    send(options, i);
                }
                List<String> answers = await(options);
                assertThat(answers)
                        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, NUM_PROMPTS)
                                .mapToObj(i -> "k" + i)
                                .toList());
                flink.cancel();
            }
        } finally {
            broker.close();
        }
    }

    private JobOptions options(String address) {
        return JobOptions.parse(
                "--bootstrap-servers=" + address,
                "--prompts-topic=p",
                "--completions-topic=c",
                "--dlq-topic=d",
                "--checkpoint-interval=300 ms",
                "--checkpoint-dir=" + folder.resolve("checkpoints").toUri(),
                "--parallelism=1");
    }

    private static void send(JobOptions options, int i) {
        try (TopicWriter to = TopicWriter.open(options.kafkaProperties(), "p", 1 << 20)) {
            to.send(("k" + i).getBytes(UTF_8), "{}".getBytes(UTF_8), List.of());
            to.flush();
        }
    }

    private static List<String> await(JobOptions options) {
        List<String> keys = new ArrayList<>();
        long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        try (Topic topic = Topic.open(options.kafkaProperties(), true, "c")) {
            while (keys.size() < NUM_PROMPTS) {
                assertThat(System.nanoTime()).as("answers so far: %s", keys).isLessThan(deadline);
                topic.poll(Duration.ofMillis(100)).forEach(r -> keys.add(new String(r.key(), UTF_8)));
            }
            topic.poll(Duration.ofSeconds(1)).forEach(r -> keys.add(new String(r.key(), UTF_8)));
        }
        return keys;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
