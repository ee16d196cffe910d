package io.millrace.job;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/**
 * A Kafka broker in this JVM: one KRaft node on the loopback interface, on free ports, its log in one folder. For the demo and for
 * tests; a fatal error of the broker ends the JVM. Starting it again on the same folder keeps the topics.
 *
 * <p>Thread: whoever made it.
 */
public final class EmbeddedBroker implements AutoCloseable {
    /** Message size that the broker and its topics take. */
    public static final int MAX_MESSAGE_BYTES = 8 << 20;

    private static final Duration READY_WITHIN = Duration.ofSeconds(90);
    private static final int NODE_ID = 1;
    /** Settings that add up. */
    private static final List<String> LISTS =
            List.of("listeners", "advertised.listeners", "listener.security.protocol.map");

    private final KafkaRaftServer server;
    private final String bootstrapServers;

    private EmbeddedBroker(KafkaRaftServer server, String bootstrapServers) {
        this.server = server;
        this.bootstrapServers = bootstrapServers;
    }

    /**
     * Starts a broker and waits until it answers.
     *
     * @param folder for its log; made if missing
     */
    public static EmbeddedBroker start(Path folder) {
        return start(folder, Map.of());
    }

    /**
     * Starts a broker with other settings.
     *
     * @param folder for its log; made if missing
     * @param settings broker properties that come on top; the listeners among them come beside the plain one, which stays
     */
    static EmbeddedBroker start(Path folder, Map<String, String> settings) {
        String host = InetAddress.getLoopbackAddress().getHostAddress();
        int port = freePort();
        Properties p = properties(folder, host, port, freePort());
        settings.forEach(
                (name, value) -> p.merge(name, value, (own, more) -> LISTS.contains(name) ? own + "," + more : more));
        format(folder);
        KafkaRaftServer server = new KafkaRaftServer(KafkaConfig.fromProps(p, false), Time.SYSTEM);
        EmbeddedBroker broker = new EmbeddedBroker(server, host + ":" + port);
        try {
            server.startup();
            broker.awaitReady();
            return broker;
        } catch (RuntimeException e) {
            broker.close();
            throw e;
        }
    }

    /**
     * Returns the settings of a single-node broker, also for one in a process of its own.
     *
     * @param folder for its log
     */
    public static Properties properties(Path folder, String host, int port, int controllerPort) {
        Properties p = new Properties();
        p.setProperty("process.roles", "broker,controller");
        p.setProperty("node.id", Integer.toString(NODE_ID));
        p.setProperty("controller.quorum.voters", NODE_ID + "@" + host + ":" + controllerPort);
        p.setProperty("listeners", "PLAINTEXT://" + host + ":" + port + ",CONTROLLER://" + host + ":" + controllerPort);
        p.setProperty("advertised.listeners", "PLAINTEXT://" + host + ":" + port);
        p.setProperty("controller.listener.names", "CONTROLLER");
        p.setProperty("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        p.setProperty("log.dirs", folder.toString());
        p.setProperty("auto.create.topics.enable", "false");
        p.setProperty("message.max.bytes", Integer.toString(MAX_MESSAGE_BYTES));
        p.setProperty("group.initial.rebalance.delay.ms", "0");
        p.setProperty("log.cleaner.dedupe.buffer.size", Integer.toString(2 << 20)); // the default takes 128 MiB
        p.setProperty(
                "metadata.max.idle.interval.ms", "0"); // no empty records twice a second: nobody follows this quorum
        p.setProperty("num.network.threads", "2");
        p.setProperty("num.io.threads", "4");
        for (String internal : List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
            p.setProperty(internal + ".replication.factor", "1");
            p.setProperty(internal + ".num.partitions", "1");
        }
        p.setProperty("transaction.state.log.min.isr", "1");
        p.setProperty("share.coordinator.state.topic.min.isr", "1");
        return p;
    }

    /** Makes a folder fit for a broker's log, once. */
    public static void format(Path folder) {
        if (Files.exists(folder.resolve("meta.properties"))) {
            return;
        }
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        try {
            Files.createDirectories(folder);
            new Formatter()
                    .setPrintStream(new PrintStream(said, true, StandardCharsets.UTF_8))
                    .setNodeId(NODE_ID)
                    .setClusterId(Uuid.randomUuid().toString())
                    .addDirectory(folder.toString())
                    .setMetadataLogDirectory(folder.toString())
                    .setControllerListenerName("CONTROLLER")
                    .run();
        } catch (IOException e) {
            throw new UncheckedIOException("can't make the broker's folder " + folder, e);
        } catch (Exception e) { // declared by Formatter.run
            throw new IllegalStateException("can't format " + folder + ": " + said.toString(StandardCharsets.UTF_8), e);
        }
    }

    private void awaitReady() {
        long deadline = System.nanoTime() + READY_WITHIN.toNanos();
        try (Admin admin = admin()) {
            while (true) {
                try {
                    if (!admin.describeCluster()
                            .nodes()
                            .get(5, TimeUnit.SECONDS)
                            .isEmpty()) {
                        return;
                    }
                } catch (ExecutionException | TimeoutException e) {
                    if (System.nanoTime() > deadline) {
                        throw new IllegalStateException(
                                "the embedded broker doesn't answer within " + READY_WITHIN.toSeconds() + " s", e);
                    }
                }
                Thread.sleep(50);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the embedded broker starts", e);
        }
    }

    /**
     * Creates topics.
     *
     * @param numPartitions of each
     */
    public void createTopics(int numPartitions, String... names) {
        try (Admin admin = admin()) {
            List<NewTopic> topics = Arrays.stream(names)
                    .map(n -> new NewTopic(n, numPartitions, (short) 1)
                            .configs(Map.of("max.message.bytes", Integer.toString(MAX_MESSAGE_BYTES))))
                    .toList();
            admin.createTopics(topics).all().get(30, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException(
                    "can't create topics " + String.join(", ", names) + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while creating topics", e);
        }
    }

    /** Returns {@code host:port} for clients. */
    public String bootstrapServers() {
        return bootstrapServers;
    }

    private Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", bootstrapServers));
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException("no free port on the loopback interface", e);
        }
    }

    /** Stops the broker and waits for it. */
    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
    }
}
