package io.millrace.job.local;

import io.millrace.job.EmbeddedBroker;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;

/** Writes the configuration of a local cluster's processes. Why each value: docs/adr/0010-local-cluster.md. */
final class ClusterFiles {
    private static final String LOGGING = "/log4j2-millrace-local.properties";
    private static final int FRAMEWORK_HEAP_MIB = 128;
    private static final int NETWORK_MIB = 32;

    private ClusterFiles() {}

    static void write(ClusterSettings s) throws IOException {
        Files.createDirectories(s.conf());
        Files.createDirectories(s.checkpoints());
        yaml(s.conf().resolve("config.yaml"), flink(s));
        properties(s.conf().resolve("zookeeper.properties"), zookeeper(s));
        Properties broker = EmbeddedBroker.properties(
                s.brokerFolder(),
                ClusterSettings.host(),
                s.ports().broker(),
                s.ports().controller());
        broker.setProperty("advertised.listeners", "PLAINTEXT://" + s.bootstrapServers());
        properties(serverProperties(s), broker);
        EmbeddedBroker.format(s.brokerFolder());
        try (InputStream in = Objects.requireNonNull(ClusterFiles.class.getResourceAsStream(LOGGING))) {
            Files.copy(in, logging(s), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    static Path serverProperties(ClusterSettings s) {
        return s.conf().resolve("server.properties");
    }

    static Path zookeeperProperties(ClusterSettings s) {
        return s.conf().resolve("zookeeper.properties");
    }

    static Path logging(ClusterSettings s) {
        return s.conf().resolve("log4j2.properties");
    }

    private static Map<String, String> zookeeper(ClusterSettings s) {
        Map<String, String> p = new LinkedHashMap<>();
        p.put("dataDir", s.folder().resolve("zookeeper").toString());
        p.put("clientPort", Integer.toString(s.ports().zookeeper()));
        p.put("clientPortAddress", ClusterSettings.host());
        p.put("admin.enableServer", "false");
        p.put("tickTime", "1000");
        return p;
    }

    private static Map<String, String> flink(ClusterSettings s) {
        String host = ClusterSettings.host();
        Map<String, String> c = new LinkedHashMap<>();
        c.put("jobmanager.rpc.address", host);
        c.put("jobmanager.rpc.port", Integer.toString(s.ports().jobManager()));
        c.put("jobmanager.bind-host", host);
        c.put("rest.address", host);
        c.put("rest.bind-address", host);
        c.put("rest.port", Integer.toString(s.ports().rest()));
        c.put("taskmanager.host", host);
        c.put("taskmanager.bind-host", host);
        c.put("taskmanager.numberOfTaskSlots", Integer.toString(s.numSlots()));
        c.put("taskmanager.cpu.cores", Integer.toString(s.numSlots()));
        c.put("taskmanager.memory.framework.heap.size", FRAMEWORK_HEAP_MIB + "m");
        c.put("taskmanager.memory.framework.off-heap.size", "128m");
        c.put("taskmanager.memory.jvm-metaspace.size", "256m");
        c.put("taskmanager.memory.jvm-overhead.min", "192m");
        c.put("taskmanager.memory.jvm-overhead.max", "192m");
        c.put("taskmanager.memory.task.heap.size", Math.max(1, s.taskManagerHeapMiB() - FRAMEWORK_HEAP_MIB) + "m");
        c.put("taskmanager.memory.task.off-heap.size", "0");
        c.put("taskmanager.memory.network.min", NETWORK_MIB + "m");
        c.put("taskmanager.memory.network.max", NETWORK_MIB + "m");
        c.put("taskmanager.memory.managed.size", "1m");
        c.put("high-availability.type", "zookeeper");
        c.put("high-availability.zookeeper.quorum", host + ":" + s.ports().zookeeper());
        c.put("high-availability.zookeeper.client.session-timeout", "8 s");
        c.put("high-availability.storageDir", s.folder().resolve("ha").toUri().toString());
        c.put("high-availability.cluster-id", "/millrace");
        c.put("high-availability.jobmanager.port", Integer.toString(s.ports().jobManager()));
        c.put("heartbeat.interval", "1000");
        c.put("heartbeat.timeout", "10000");
        c.put("taskmanager.load-balance.mode", "SLOTS");
        c.put("web.refresh-interval", "200"); // else the job manager answers with a state of 3 s ago
        c.put("metrics.fetcher.update-interval", "1000");
        c.put("restart-strategy.type", "exponential-delay");
        c.put("restart-strategy.exponential-delay.initial-backoff", "200 ms");
        c.put("restart-strategy.exponential-delay.max-backoff", "5 s");
        c.put("restart-strategy.exponential-delay.reset-backoff-threshold", "30 s");
        c.put("execution.checkpointing.dir", s.checkpoints().toUri().toString());
        c.put("execution.checkpointing.tolerable-failed-checkpoints", "1000000");
        c.put("classloader.parent-first-patterns.additional", "io.millrace.engine.;io.millrace.kernels.;jcuda.");
        return c;
    }

    /** Flat keys are YAML, too; every value is quoted. */
    private static void yaml(Path file, Map<String, String> values) throws IOException {
        StringBuilder sb = new StringBuilder();
        values.forEach((k, v) -> sb.append(k).append(": \"").append(v).append("\"\n"));
        Files.writeString(file, sb);
    }

    private static void properties(Path file, Map<String, String> values) throws IOException {
        Properties p = new Properties();
        p.putAll(values);
        properties(file, p);
    }

    private static void properties(Path file, Properties values) throws IOException {
        try (Writer out = Files.newBufferedWriter(file)) {
            values.store(out, "of ./millrace local");
        }
    }
}
