package io.millrace.job;

import io.millrace.engine.ConfigException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;

/**
 * The checks of {@link StartupChecks} that a broker answers. Each returns what it saw in half a line, or throws a
 * {@link WarningException} (the job runs, with a loss) or a {@link ConfigException} (it refuses to start). Nothing is changed on the
 * broker, but that it hands out a producer id for a transactional id that nobody else uses. Thread: one.
 */
final class BrokerChecks implements AutoCloseable {
    private static final int TIMEOUT_SECONDS = 15;
    /** What the exactly-once sinks need: the first version whose aborts can't hit the transaction that comes next. */
    private static final int TRANSACTION_VERSION = 2;
    /** Clocks of a cluster without time service drift apart by seconds; above this, deadlines are wrong by more than users notice. */
    private static final Duration MOST_SKEW = Duration.ofSeconds(10);

    private static final String GRANT = ": grant it with kafka-acls --add";

    private final JobOptions options;
    private final Admin admin;
    private final Map<String, @Nullable TopicDescription> descriptions = new LinkedHashMap<>();

    /** The job runs, with the loss that the message names. */
    static final class WarningException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        WarningException(String message) {
            super(message);
        }
    }

    private BrokerChecks(JobOptions options, Admin admin) {
        this.options = options;
        this.admin = admin;
    }

    /**
     * Makes one; asks nobody yet.
     *
     * @throws ConfigException if the clients' settings are wrong
     */
    static BrokerChecks open(JobOptions options) {
        Properties p = options.kafkaProperties();
        p.setProperty("request.timeout.ms", "5000");
        p.setProperty("default.api.timeout.ms", Integer.toString(TIMEOUT_SECONDS * 1000));
        try {
            return new BrokerChecks(options, Admin.create(p));
        } catch (KafkaException e) {
            throw new ConfigException(
                    "no Kafka client can be made of --bootstrap-servers and --kafka-config: " + innermost(e), e);
        }
    }

    private static String innermost(Throwable e) {
        Throwable t = e;
        while (t.getCause() != null) {
            t = t.getCause();
        }
        return String.valueOf(t.getMessage());
    }

    String reachable() {
        int numBrokers = nodes().size();
        return options.get(JobOptions.BOOTSTRAP_SERVERS) + " answers, " + numBrokers
                + (numBrokers == 1 ? " broker" : " brokers");
    }

    private Collection<Node> nodes() {
        Collection<Node> nodes = await(admin.describeCluster().nodes());
        if (nodes.isEmpty()) {
            throw new ConfigException(options.get(JobOptions.BOOTSTRAP_SERVERS) + " knows of no broker: start one");
        }
        return nodes;
    }

    String version() {
        var features = await(admin.describeFeatures().featureMetadata()).finalizedFeatures();
        var transactions = features.get("transaction.version");
        int version = transactions == null ? 0 : transactions.maxVersionLevel();
        if (version < TRANSACTION_VERSION) {
            throw new ConfigException("the brokers' transaction.version is " + version + " but must be at least "
                    + TRANSACTION_VERSION + ": brokers of version 4.0 or later, then kafka-features upgrade --feature "
                    + "transaction.version=" + TRANSACTION_VERSION);
        }
        return "transaction.version " + version + " (at least " + TRANSACTION_VERSION + ")";
    }

    String transactionTimeout() {
        String id = nodes().iterator().next().idString();
        Config config = config(ConfigResource.Type.BROKER, id);
        long most = number(config, "transaction.max.timeout.ms");
        long wanted = transactionTimeoutMillis();
        if (wanted > most) {
            throw new ConfigException("transaction-timeout is " + wanted + " ms but the broker's "
                    + "transaction.max.timeout.ms is " + most + ": lower the one or raise the other");
        }
        return "transaction-timeout " + wanted + " ms (the broker's transaction.max.timeout.ms is " + most + ")";
    }

    String outage() {
        long wanted = transactionTimeoutMillis();
        long interval = options.get(JobOptions.CHECKPOINT_INTERVAL).toMillis();
        if (wanted < 2 * interval) {
            throw new ConfigException("transaction-timeout is " + wanted + " ms but must be at least twice the "
                    + "checkpoint-interval of " + interval + " ms, else the broker drops answers before their commit");
        }
        long outage = options.get(RecoveryOptions.LONGEST_OUTAGE).toMillis();
        if (wanted < outage + interval) {
            throw new ConfigException("transaction-timeout is " + wanted + " ms but longest-outage and "
                    + "checkpoint-interval together are " + (outage + interval) + " ms: raise the first, or expect "
                    + "shorter outages");
        }
        return "an outage of " + (wanted - interval)
                + " ms loses nothing (transaction-timeout less checkpoint-interval; " + "longest-outage is " + outage
                + " ms)";
    }

    private long transactionTimeoutMillis() {
        return options.get(JobOptions.TRANSACTION_TIMEOUT).toMillis();
    }

    String topics() {
        List<String> missing =
                mandatoryTopics().stream().filter(t -> describe(t) == null).toList();
        if (!missing.isEmpty()) {
            throw new ConfigException("no topic " + String.join(", ", missing) + " on "
                    + options.get(JobOptions.BOOTSTRAP_SERVERS)
                    + ": create with kafka-topics --create --topic NAME --partitions N");
        }
        return mandatoryTopics().stream()
                .map(t -> t + " (" + existing(t).partitions().size() + " partitions)")
                .collect(Collectors.joining(", "));
    }

    private List<String> mandatoryTopics() {
        return List.of(
                options.get(JobOptions.PROMPTS_TOPIC),
                options.get(JobOptions.COMPLETIONS_TOPIC),
                options.get(JobOptions.DLQ_TOPIC));
    }

    String optionalTopics() {
        List<JobOption<String>> missing = missingOptionalTopics();
        if (!missing.isEmpty()) {
            throw new WarningException(missing.stream()
                    .map(o -> "no topic " + options.get(o) + ": the job runs without --" + o.name()
                            + "; create the topic and restart the job to have it")
                    .collect(Collectors.joining("; ")));
        }
        return "those asked for are there";
    }

    /** Returns the topics that a job can do without, were asked for, and aren't there. */
    List<JobOption<String>> missingOptionalTopics() {
        List<JobOption<String>> missing = new ArrayList<>();
        for (JobOption<String> o : List.of(ServiceOptions.PARTIALS_TOPIC, ServiceOptions.CONTROL_TOPIC)) {
            String topic = options.find(o);
            if (topic != null && describe(topic) == null) {
                missing.add(o);
            }
        }
        return missing;
    }

    String replicas() {
        int numBrokers = nodes().size();
        List<String> single = new ArrayList<>();
        int fewest = Integer.MAX_VALUE;
        for (String topic : mandatoryTopics()) {
            List<TopicPartitionInfo> partitions = existing(topic).partitions();
            long minInsync = number(config(ConfigResource.Type.TOPIC, topic), "min.insync.replicas");
            for (TopicPartitionInfo p : partitions) {
                String where = "partition " + p.partition() + " of topic " + topic;
                if (p.leader() == null) {
                    throw new ConfigException(where + " has no leader: start its brokers");
                }
                if (p.isr().size() < minInsync) {
                    throw new ConfigException(where + " has " + p.isr().size() + " replicas in sync but "
                            + "min.insync.replicas is " + minInsync + ": start more brokers or lower it");
                }
                fewest = Math.min(fewest, p.replicas().size());
            }
            if (partitions.get(0).replicas().size() == 1) {
                single.add(topic);
            }
        }
        if (numBrokers > 1 && !single.isEmpty()) {
            throw new WarningException("1 replica of " + String.join(", ", single) + " on " + numBrokers
                    + " brokers: the loss of one broker's disk loses records; give them 3 replicas and "
                    + "min.insync.replicas 2");
        }
        return "at least " + fewest + " of each partition, as many in sync as min.insync.replicas wants";
    }

    String messageSize() {
        long wanted = options.get(JobOptions.MAX_COMPLETION_BYTES);
        for (String topic : List.of(options.get(JobOptions.COMPLETIONS_TOPIC), options.get(JobOptions.DLQ_TOPIC))) {
            long most = number(config(ConfigResource.Type.TOPIC, existing(topic).name()), "max.message.bytes");
            if (wanted > most) {
                throw new ConfigException(
                        JobOptions.MAX_COMPLETION_BYTES.name() + " is " + wanted + " but max.message.bytes of topic "
                                + topic + " is " + most + ": lower the one or raise the other");
            }
        }
        return JobOptions.MAX_COMPLETION_BYTES.name() + " " + wanted + " (within the topics' max.message.bytes)";
    }

    String rights() {
        need(options.get(JobOptions.PROMPTS_TOPIC), AclOperation.READ);
        need(options.get(JobOptions.COMPLETIONS_TOPIC), AclOperation.WRITE);
        need(options.get(JobOptions.DLQ_TOPIC), AclOperation.WRITE);
        groupRight();
        String id = options.get(JobOptions.TRANSACTIONAL_ID_PREFIX) + "-check";
        try {
            await(admin.fenceProducers(List.of(id)).all());
        } catch (ConfigException e) {
            if (e.getCause() instanceof AuthorizationException) {
                throw new ConfigException(
                        "no right to Write with transactional id " + id + GRANT
                                + " --operation Write --transactional-id "
                                + options.get(JobOptions.TRANSACTIONAL_ID_PREFIX)
                                + " --resource-pattern-type prefixed",
                        e);
            }
            throw e;
        }
        return "Read on prompts and group, Write on completions, dead letters and transactional ids";
    }

    private void need(String topic, AclOperation operation) {
        Set<AclOperation> granted = existing(topic).authorizedOperations();
        if (granted != null && !granted.contains(operation)) { // null = the broker doesn't say
            throw missing(operation, "topic", topic);
        }
    }

    private void groupRight() {
        String group = options.get(JobOptions.GROUP_ID);
        try {
            Set<AclOperation> granted = await(admin.describeConsumerGroups(
                                    List.of(group),
                                    new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true))
                            .describedGroups()
                            .get(group))
                    .authorizedOperations();
            if (granted != null && !granted.contains(AclOperation.READ)) {
                throw missing(AclOperation.READ, "group", group);
            }
        } catch (ConfigException e) {
            if (e.getCause() instanceof AuthorizationException) {
                throw missing(AclOperation.READ, "group", group);
            }
            if (!(e.getCause()
                    instanceof GroupIdNotFoundException)) { // a new group: the broker checked the right to see it
                throw e;
            }
        }
    }

    private static ConfigException missing(AclOperation operation, String kind, String name) {
        String right = operation == AclOperation.READ ? "Read" : "Write";
        return new ConfigException("no right to " + right + " " + kind + " " + name + GRANT + " --operation " + right
                + " --" + kind + " " + name);
    }

    /** Deadlines count from a prompt's publishing: the newest prompt must not come from this machine's future. */
    String clock() {
        String topic = options.get(JobOptions.PROMPTS_TOPIC);
        Map<TopicPartition, OffsetSpec> ask = existing(topic).partitions().stream()
                .collect(Collectors.toMap(
                        p -> new TopicPartition(topic, p.partition()), p -> OffsetSpec.maxTimestamp()));
        long newest = await(admin.listOffsets(ask).all()).values().stream()
                .mapToLong(ListOffsetsResultInfo::timestamp)
                .max()
                .orElse(-1);
        long aheadMillis = newest - Clock.systemUTC().millis();
        if (aheadMillis > MOST_SKEW.toMillis()) {
            throw new WarningException(
                    "the newest prompt's time is " + aheadMillis + " ms ahead of this machine's clock " + "(up to "
                            + MOST_SKEW.toMillis() + " ms is usual): deadline_ms counts from it; set the clocks");
        }
        return newest < 0 ? "no prompt to compare with" : "no prompt from the future";
    }

    private TopicDescription existing(String topic) {
        TopicDescription found = describe(topic);
        if (found == null) {
            throw new WarningException("not checked: no topic " + topic);
        }
        return found;
    }

    private @Nullable TopicDescription describe(String topic) {
        if (!descriptions.containsKey(topic)) {
            descriptions.put(topic, ask(topic));
        }
        return descriptions.get(topic);
    }

    private @Nullable TopicDescription ask(String topic) {
        try {
            return await(
                    admin.describeTopics(List.of(topic), new DescribeTopicsOptions().includeAuthorizedOperations(true))
                            .topicNameValues()
                            .get(topic));
        } catch (ConfigException e) {
            if (e.getCause() instanceof TopicAuthorizationException) {
                throw new ConfigException(
                        "topic " + topic + " isn't there, or there is no right to see it" + GRANT
                                + " --operation Describe --topic " + topic,
                        e);
            }
            if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                throw e;
            }
            return null;
        }
    }

    private Config config(ConfigResource.Type type, String name) {
        ConfigResource resource = new ConfigResource(type, name);
        try {
            return await(admin.describeConfigs(List.of(resource)).values().get(resource));
        } catch (ConfigException e) {
            if (e.getCause() instanceof AuthorizationException) {
                String of = type == ConfigResource.Type.TOPIC ? "--topic " + name : "--cluster";
                throw new WarningException("not checked, for want of the right to see settings" + GRANT
                        + " --operation DescribeConfigs " + of);
            }
            throw e;
        }
    }

    private static long number(Config config, String name) {
        return Long.parseLong(Objects.requireNonNull(config.get(name)).value());
    }

    private <T> T await(@Nullable KafkaFuture<T> future) {
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

    @Override
    public void close() {
        admin.close();
    }
}
