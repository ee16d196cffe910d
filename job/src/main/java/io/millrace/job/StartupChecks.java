package io.millrace.job;

import io.millrace.engine.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What must hold before a job starts; each failure is one line with the way out. */
public final class StartupChecks {
    private static final Logger LOG = LoggerFactory.getLogger(StartupChecks.class);
    private static final int TIMEOUT_SECONDS = 15;

    private StartupChecks() {}

    /**
     * Checks the topics and the limits of the broker.
     *
     * @throws ConfigException if the job could not run, or could lose a completion
     */
    public static void broker(JobOptions options) {
        try (Admin admin = Admin.create(clientProperties(options))) {
            transactionTimeout(admin, options);
            topics(admin, options);
        }
    }

    /** Returns the options without those topics that a job can do without and that aren't there, each with one warning. */
    static JobOptions withTopicsThatAreThere(JobOptions options) {
        JobOptions found = options;
        try (Admin admin = Admin.create(clientProperties(options))) {
            for (JobOption<String> o : List.of(ServiceOptions.PARTIALS_TOPIC, ServiceOptions.CONTROL_TOPIC)) {
                String topic = options.find(o);
                if (topic != null && !isThere(admin, topic, options)) {
                    LOG.warn(
                            "no topic {}: the job runs without --{}; create the topic and restart the job to have it",
                            topic,
                            o.name());
                    found = found.without(o);
                }
            }
        }
        return found;
    }

    private static boolean isThere(Admin admin, String topic, JobOptions options) {
        try {
            await(admin.describeTopics(List.of(topic)).topicNameValues().get(topic), options);
            return true;
        } catch (ConfigException e) {
            if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                throw e;
            }
            return false;
        }
    }

    private static Properties clientProperties(JobOptions options) {
        Properties p = options.kafkaProperties();
        p.setProperty("request.timeout.ms", "5000");
        p.setProperty("default.api.timeout.ms", Integer.toString(TIMEOUT_SECONDS * 1000));
        return p;
    }

    /** Checks that a model folder lies on this machine. */
    public static void modelFolder(Path folder) {
        if (!Files.isRegularFile(folder.resolve("config.json"))) {
            throw new ConfigException(
                    folder + " is no model folder (no config.json): give --model the folder of a published checkpoint");
        }
    }

    private static void transactionTimeout(Admin admin, JobOptions options) {
        Collection<Node> nodes = await(admin.describeCluster().nodes(), options);
        if (nodes.isEmpty()) {
            throw new ConfigException(options.get(JobOptions.BOOTSTRAP_SERVERS) + " knows of no broker: start one");
        }
        ConfigResource broker = new ConfigResource(
                ConfigResource.Type.BROKER, nodes.iterator().next().idString());
        Config config = await(admin.describeConfigs(List.of(broker)).values().get(broker), options);
        long most = Long.parseLong(config.get("transaction.max.timeout.ms").value());
        long wanted = options.get(JobOptions.TRANSACTION_TIMEOUT).toMillis();
        if (wanted > most) {
            throw new ConfigException("transaction-timeout is " + wanted + " ms but the broker's "
                    + "transaction.max.timeout.ms is " + most + ": lower the one or raise the other");
        }
        long interval = options.get(JobOptions.CHECKPOINT_INTERVAL).toMillis();
        if (wanted < 2 * interval) {
            throw new ConfigException("transaction-timeout is " + wanted + " ms but must be at least twice the "
                    + "checkpoint-interval of " + interval + " ms, else the broker drops answers before their commit");
        }
    }

    private static void topics(Admin admin, JobOptions options) {
        List<String> missing = new ArrayList<>();
        for (JobOption<String> o :
                List.of(JobOptions.PROMPTS_TOPIC, JobOptions.COMPLETIONS_TOPIC, JobOptions.DLQ_TOPIC)) {
            if (!isThere(admin, options.get(o), options)) {
                missing.add(options.get(o));
            }
        }
        if (!missing.isEmpty()) {
            throw new ConfigException("no topic " + String.join(", ", missing) + " on "
                    + options.get(JobOptions.BOOTSTRAP_SERVERS)
                    + ": create with kafka-topics --create --topic NAME --partitions N");
        }
        messageSize(admin, options, JobOptions.COMPLETIONS_TOPIC);
        messageSize(admin, options, JobOptions.DLQ_TOPIC);
    }

    private static void messageSize(Admin admin, JobOptions options, JobOption<String> topicOption) {
        String topic = options.get(topicOption);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Map<ConfigResource, KafkaFuture<Config>> configs =
                admin.describeConfigs(List.of(resource)).values();
        long most = Long.parseLong(
                await(configs.get(resource), options).get("max.message.bytes").value());
        long wanted = options.get(JobOptions.MAX_COMPLETION_BYTES);
        if (wanted > most) {
            throw new ConfigException(
                    JobOptions.MAX_COMPLETION_BYTES.name() + " is " + wanted + " but max.message.bytes of topic "
                            + topic + " is " + most + ": lower the one or raise the other");
        }
    }

    private static <T> T await(@Nullable KafkaFuture<T> future, JobOptions options) {
        String servers = options.get(JobOptions.BOOTSTRAP_SERVERS);
        try {
            return Objects.requireNonNull(future).get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new ConfigException("asking the broker at " + servers + " failed: " + cause.getMessage(), cause);
        } catch (TimeoutException e) {
            throw new ConfigException(
                    "no answer from " + servers + " within " + TIMEOUT_SECONDS
                            + " s: check --bootstrap-servers and --kafka-config",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConfigException("interrupted while asking the broker at " + servers, e);
        }
    }
}
