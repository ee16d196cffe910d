package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.apache.kafka.common.acl.AclOperation.DESCRIBE_CONFIGS;
import static org.apache.kafka.common.acl.AclOperation.READ;
import static org.apache.kafka.common.acl.AclOperation.WRITE;
import static org.apache.kafka.common.resource.ResourceType.CLUSTER;
import static org.apache.kafka.common.resource.ResourceType.GROUP;
import static org.apache.kafka.common.resource.ResourceType.TOPIC;
import static org.apache.kafka.common.resource.ResourceType.TRANSACTIONAL_ID;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.FileAppender;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.layout.PatternLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole job through SASL_SSL with just the rights that docs/operations.md lists. Two secrets, one in the settings file and one
 * in the environment that it refers to, must not be found in any log line from DEBUG on, nor on a page of Flink's REST interface.
 */
class SecretsIT {
    private static final String PASSWORD = "canary-in-the-settings-5b1f0c7e";
    private static final String IN_THE_ENVIRONMENT = "MILLRACE_TEST_SECRET";
    /** Job's pom.xml sets it. */
    private static final String TRUST_STORE_PASSWORD =
            Objects.requireNonNullElse(System.getenv(IN_THE_ENVIRONMENT), "run this test by Maven");

    private static final String WRONG_PASSWORD = "canary-that-is-wrong-0e62d8f1";
    private static final List<String> CANARIES = List.of(PASSWORD, TRUST_STORE_PASSWORD, WRONG_PASSWORD);

    @TempDir
    Path folder;

    private Path log;
    private FileAppender appender;

    @BeforeEach
    void logEverything() {
        log = folder.resolve("everything.log");
        LoggerContext context = (LoggerContext) LogManager.getContext(false);
        appender = FileAppender.newBuilder()
                .setName("everything")
                .withFileName(log.toString())
                .setLayout(PatternLayout.newBuilder()
                        .withPattern("%p %c %m%n%throwable")
                        .build())
                .build();
        appender.start();
        context.getConfiguration().getRootLogger().addAppender(appender, Level.DEBUG, null);
        Configurator.setAllLevels("", Level.DEBUG);
    }

    @AfterEach
    void logAsBefore() {
        ((LoggerContext) LogManager.getContext(false)).reconfigure();
    }

    @Test
    void theJobRunsThroughSaslAndTlsAndItsSecretsAreNowhereToBeSeen() throws Exception {
        Map<String, JsonNode> answers = new HashMap<>();
        try (SecureBroker secure = SecureBroker.start(folder.resolve("broker"), PASSWORD, TRUST_STORE_PASSWORD)) {
            secure.broker()
                    .createTopics(1, "llm.prompts", "llm.completions", "llm.prompts.dlq", "llm.control", "partials");
            secure.administer(admin -> admin.createAcls(rights()).all().get());
            JobOptions options = options(secure, PASSWORD);
            StartupChecks.broker(options);
            List<Finding> refused = StartupChecks.look(options(secure, WRONG_PASSWORD));
            assertThat(refused)
                    .singleElement()
                    .satisfies(f -> assertThat(f.text()).contains("Authentication failed"));
            publish(options);
            run(options, answers);
        }
        appender.stop();
        assertThat(answers.keySet()).containsExactlyInAnyOrder("a", "b");
        assertThat(answers.get("a").at("/choices/0/message/content").asText()).isEqualTo("The answer is \\boxed{85}.");
        try (Stream<String> lines = Files.lines(log)) {
            List<String> found = lines.filter(l -> l.contains("sasl.jaas.config = [hidden]") || hasCanary(l))
                    .distinct()
                    .toList();
            assertThat(found)
                    .as("the log has the settings, without the secrets")
                    .containsExactly("\tsasl.jaas.config = [hidden]");
        }
    }

    private static boolean hasCanary(String text) {
        return CANARIES.stream().anyMatch(text::contains);
    }

    private static List<AclBinding> rights() {
        return List.of(
                right(CLUSTER, "kafka-cluster", DESCRIBE_CONFIGS),
                right(TOPIC, "llm.prompts", READ),
                right(TOPIC, "llm.prompts", WRITE), // of this test, which publishes as the same user
                right(TOPIC, "llm.prompts", DESCRIBE_CONFIGS),
                right(TOPIC, "llm.completions", WRITE),
                right(TOPIC, "llm.completions", READ),
                right(TOPIC, "llm.completions", DESCRIBE_CONFIGS),
                right(TOPIC, "llm.prompts.dlq", WRITE),
                right(TOPIC, "llm.prompts.dlq", DESCRIBE_CONFIGS),
                right(TOPIC, "llm.control", READ),
                right(TOPIC, "partials", WRITE),
                right(GROUP, "millrace", READ),
                right(TRANSACTIONAL_ID, "millrace", WRITE));
    }

    private static AclBinding right(ResourceType type, String name, AclOperation operation) {
        PatternType pattern = type == TRANSACTIONAL_ID ? PatternType.PREFIXED : PatternType.LITERAL;
        return new AclBinding(
                new ResourcePattern(type, name, pattern),
                new AccessControlEntry("User:" + SecureBroker.USER, "*", operation, AclPermissionType.ALLOW));
    }

    private JobOptions options(SecureBroker secure, String password) throws IOException {
        Path settings = Files.writeString(
                folder.resolve(password.equals(PASSWORD) ? "kafka.properties" : "wrong.properties"),
                String.join(
                        "\n",
                        "security.protocol=SASL_SSL",
                        "sasl.mechanism=SCRAM-SHA-512",
                        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\""
                                + SecureBroker.USER + "\" password=\"" + password + "\";",
                        "ssl.truststore.type=PKCS12",
                        "ssl.truststore.location=" + secure.trustStore(),
                        "ssl.truststore.password=${env:" + IN_THE_ENVIRONMENT + "}",
                        "config.providers=env",
                        "config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider",
                        ""));
        return JobOptions.parse(
                "--bootstrap-servers=" + secure.address(),
                "--kafka-config=" + settings,
                "--partials-topic=partials",
                "--model=" + Path.of("..", "models", "tiny-r1").toAbsolutePath().normalize(),
                "--temperature=0",
                "--checkpoint-interval=300 ms",
                "--checkpoint-dir=" + folder.resolve("checkpoints").toUri());
    }

    private static void publish(JobOptions options) {
        try (TopicWriter to = TopicWriter.open(options.kafkaProperties(), "llm.prompts", 1 << 20)) {
            for (String id : List.of("a", "b")) {
                String value = "{\"id\":\"" + id
                        + "\",\"messages\":[{\"role\":\"user\",\"content\":\"What is 14 + 71?\"}],\"stream\":true}";
                to.send(id.getBytes(UTF_8), value.getBytes(UTF_8), List.of());
            }
            to.flush();
        }
    }

    private static void run(JobOptions options, Map<String, JsonNode> answers) throws Exception {
        try (Topic topic = Topic.open(options.kafkaProperties(), true, "llm.completions");
                EmbeddedFlink flink = EmbeddedFlink.start(
                        MillraceJob.flinkSettings(options), env -> MillraceJob.build(env, options), null)) {
            while (answers.size() < 2) {
                flink.throwIfMisconfigured();
                for (ConsumerRecord<byte[], byte[]> r : topic.poll(Duration.ofMillis(100))) {
                    answers.put(new String(r.key(), UTF_8), new ObjectMapper().readTree(r.value()));
                }
            }
            List<String> pages = pages(flink);
            assertThat(pages)
                    .anySatisfy(p -> assertThat(p).contains("Source: prompts"))
                    .noneMatch(SecretsIT::hasCanary);
            flink.cancel();
        }
    }

    /** Flink's pages about job and cluster, settings included. */
    private static List<String> pages(EmbeddedFlink flink) throws IOException, InterruptedException {
        String job = "/jobs/" + flink.jobId();
        HttpClient client = HttpClient.newHttpClient();
        List<String> pages = new ArrayList<>();
        for (String path : List.of(
                "/config",
                "/jobmanager/config",
                "/jobmanager/environment",
                "/taskmanagers",
                job,
                job + "/config",
                job + "/plan",
                job + "/exceptions",
                job + "/accumulators",
                job + "/checkpoints",
                job + "/checkpoints/config",
                job + "/jobmanager/config",
                job + "/jobmanager/environment")) {
            HttpResponse<String> page = client.send(
                    HttpRequest.newBuilder(URI.create(flink.restAddress() + path))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(page.statusCode()).as(path).isEqualTo(200);
            pages.add(page.body());
        }
        return pages;
    }
}
