package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each check against a broker with one wrong setting: its own line fails, with value, limit and way out, and no other. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StartupChecksIT {
    @TempDir
    static Path work;

    private EmbeddedBroker broker;
    private Admin admin;

    @BeforeAll
    void start() {
        broker = EmbeddedBroker.start(
                work.resolve("broker"),
                Map.of(
                        "authorizer.class.name",
                        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                        "allow.everyone.if.no.acl.found",
                        "true"));
        broker.createTopics(2, "p", "c", "d", "partials", "control", "mute", "future", "denied");
        admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()));
    }

    @AfterAll
    void stop() {
        admin.close();
        broker.close();
    }

    private JobOptions options(String... more) {
        List<String> all = new ArrayList<>(List.of(
                "--bootstrap-servers=" + broker.bootstrapServers(),
                "--prompts-topic=p",
                "--completions-topic=c",
                "--dlq-topic=d",
                "--partials-topic=partials",
                "--control-topic=control"));
        all.addAll(List.of(more));
        return JobOptions.parse(all.toArray(String[]::new));
    }

    private static List<Finding> bad(List<Finding> findings) {
        return findings.stream().filter(f -> f.verdict() != Finding.Verdict.OK).toList();
    }

    private void assertOnly(Finding.Verdict verdict, String check, String text, String... arguments) {
        assertThat(bad(StartupChecks.look(options(arguments)))).singleElement().satisfies(f -> {
            assertThat(f.check()).isEqualTo(check);
            assertThat(f.text()).isEqualTo(text);
            assertThat(f.verdict()).isEqualTo(verdict);
        });
    }

    @Test
    void everythingIsRight() {
        List<Finding> findings = StartupChecks.look(options());
        assertThat(bad(findings)).isEmpty();
        assertThat(findings)
                .extracting(f -> f.check() + ": " + f.text())
                .contains(
                        "broker: " + broker.bootstrapServers() + " answers, 1 broker",
                        "broker version: transaction.version 2 (at least 2)",
                        "transaction time-out: transaction-timeout 900000 ms (the broker's transaction.max.timeout.ms is"
                                + " 900000)",
                        "outage: an outage of 890000 ms loses nothing (transaction-timeout less checkpoint-interval;"
                                + " longest-outage is 60000 ms)",
                        "topics: p (2 partitions), c (2 partitions), d (2 partitions)",
                        "clock: no prompt to compare with");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            transaction time-out | --transaction-timeout=16 min | transaction-timeout is 960000 ms but the broker's transaction.max.timeout.ms is 900000: lower the one or raise the other
            outage | --checkpoint-interval=10 min | transaction-timeout is 900000 ms but must be at least twice the checkpoint-interval of 600000 ms, else the broker drops answers before their commit
            outage | --longest-outage=15 min | transaction-timeout is 900000 ms but longest-outage and checkpoint-interval together are 910000 ms: raise the first, or expect shorter outages
            message size | --max-completion-bytes=9 MiB | max-completion-bytes is 9437184 but max.message.bytes of topic c is 8388608: lower the one or raise the other
            """)
    void aWrongOptionFailsItsCheck(String check, String option, String text) {
        assertOnly(Finding.Verdict.FAILED, check, text, option);
    }

    @Test
    void aMissingTopicFailsAndAnOptionalOneWarns() {
        List<Finding> findings = bad(StartupChecks.look(options("--dlq-topic=x", "--control-topic=y")));
        assertThat(findings)
                .filteredOn(f -> f.verdict() == Finding.Verdict.FAILED)
                .extracting(Finding::text)
                .containsExactly("no topic x on " + broker.bootstrapServers()
                        + ": create with kafka-topics --create --topic NAME --partitions N");
        assertThat(findings)
                .filteredOn(f -> f.verdict() == Finding.Verdict.WARNING)
                .extracting(Finding::text)
                .containsOnly(
                        "no topic y: the job runs without --control-topic; create the topic and restart the job to have"
                                + " it",
                        "not checked: no topic x");
    }

    @Test
    void tooFewReplicasFail() throws Exception {
        NewTopic topic = new NewTopic("safe", Optional.of(1), Optional.of((short) 1))
                .configs(Map.of("min.insync.replicas", "2"));
        admin.createTopics(List.of(topic)).all().get();
        await(() -> admin.listTopics().names().get().contains("safe"));
        assertOnly(
                Finding.Verdict.FAILED,
                "replicas",
                "partition 0 of topic safe has 1 replicas in sync but min.insync.replicas is 2: start more brokers or"
                        + " lower it",
                "--prompts-topic=safe");
    }

    @Test
    void missingRightsFail() throws Exception {
        deny(ResourceType.TOPIC, "mute", AclOperation.READ);
        deny(ResourceType.TOPIC, "denied", AclOperation.WRITE);
        deny(ResourceType.GROUP, "closed", AclOperation.ALL);
        deny(ResourceType.TRANSACTIONAL_ID, "locked-check", AclOperation.WRITE);
        String read = "no right to Read topic mute: grant it with kafka-acls --add --operation Read --topic mute";
        String group = "no right to Read group closed: grant it with kafka-acls --add --operation Read --group closed";
        String write =
                "no right to Write topic denied: grant it with kafka-acls --add --operation Write --topic denied";
        assertOnly(Finding.Verdict.FAILED, "rights", read, "--prompts-topic=mute");
        assertOnly(Finding.Verdict.FAILED, "rights", write, "--completions-topic=denied");
        assertOnly(Finding.Verdict.FAILED, "rights", write, "--dlq-topic=denied");
        assertOnly(Finding.Verdict.FAILED, "rights", group, "--group-id=closed");
        assertOnly(
                Finding.Verdict.FAILED,
                "rights",
                "no right to Write with transactional id locked-check: grant it with kafka-acls --add --operation Write"
                        + " --transactional-id locked --resource-pattern-type prefixed",
                "--transactional-id-prefix=locked");
    }

    private void deny(ResourceType type, String name, AclOperation operation) throws Exception {
        AclBinding denied = acl(type, name, operation, AclPermissionType.DENY);
        admin.createAcls(List.of(denied, acl(type, name, AclOperation.ALL, AclPermissionType.ALLOW)))
                .all()
                .get();
        await(() -> !admin.describeAcls(denied.toFilter()).values().get().isEmpty());
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    /** What the controller has accepted reaches the broker a little later. */
    private static void await(Condition condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private static AclBinding acl(ResourceType type, String name, AclOperation op, AclPermissionType permission) {
        return new AclBinding(
                new ResourcePattern(type, name, PatternType.LITERAL),
                new AccessControlEntry("User:ANONYMOUS", "*", op, permission));
    }

    @Test
    void aPromptFromTheFutureWarns() throws Exception {
        long hour = 3_600_000;
        try (KafkaProducer<byte[], byte[]> to = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.bootstrapServers()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            long time = Clock.systemUTC().millis() + hour;
            to.send(new ProducerRecord<>("future", 1, time, null, "{}".getBytes(UTF_8)))
                    .get();
        }
        assertThat(bad(StartupChecks.look(options("--prompts-topic=future"))))
                .singleElement()
                .satisfies(f -> {
                    assertThat(f.verdict()).isEqualTo(Finding.Verdict.WARNING);
                    assertThat(f.text())
                            .matches("the newest prompt's time is 3[56]\\d{5} ms ahead of this machine's clock \\(up to"
                                    + " 10000 ms is usual\\): deadline_ms counts from it; set the clocks");
                });
    }

    @Test
    void nobodyThereFailsAloneAndSoon() throws Exception {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        assertThat(StartupChecks.look(options("--bootstrap-servers=127.0.0.1:" + port)))
                .singleElement()
                .satisfies(f -> assertThat(f.text()).contains("127.0.0.1:" + port));
    }

    @Test
    void settingsThatNoClientTakesFail() throws Exception {
        Path file = Files.writeString(work.resolve("wrong.properties"), "security.protocol=SOUNDPROOF\n");
        assertThat(StartupChecks.look(options("--kafka-config=" + file)))
                .singleElement()
                .satisfies(f -> assertThat(f.text())
                        .startsWith("no Kafka client can be made of --bootstrap-servers and --kafka-config: ")
                        .contains("SOUNDPROOF"));
    }
}
