package io.millrace.job.local;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.stream.IntStream;

/**
 * What a local cluster consists of; kept in {@code cluster.properties} of its folder.
 *
 * @param folder for configuration, logs, pids, the broker's log, checkpoints
 * @param numTaskManagers ≥ 1
 * @param numSlots of each task manager, ≥ 1
 * @param taskManagerHeapMiB heap of each task manager's JVM, weights and KV pool of the cpu back end included
 * @param ports free ones, chosen once
 */
public record ClusterSettings(Path folder, int numTaskManagers, int numSlots, int taskManagerHeapMiB, Ports ports) {
    private static final String FILE = "cluster.properties";

    /**
     * TCP ports on the loopback interface.
     *
     * @param broker where the broker listens
     * @param advertised where clients find the broker: the same, unless a proxy stands between
     * @param firstMetrics of the first task manager's metrics; the others' are the next
     */
    public record Ports(
            int broker, int advertised, int controller, int zookeeper, int jobManager, int rest, int firstMetrics) {}

    /** Checks the numbers. */
    public ClusterSettings {
        atLeastOne("task-managers", numTaskManagers);
        atLeastOne("slots", numSlots);
        atLeastOne("task-manager-heap in MiB", taskManagerHeapMiB);
    }

    private static void atLeastOne(String name, int value) {
        if (value < 1) {
            throw new ConfigException(name + " is " + value + " but must be at least 1");
        }
    }

    /** Chooses free ports for a new cluster. */
    public static ClusterSettings choose(Path folder, int numTaskManagers, int numSlots, int taskManagerHeapMiB) {
        List<ServerSocket> held = new ArrayList<>();
        try {
            int[] p = new int[6];
            for (int i = 0; i < p.length; i++) {
                ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                held.add(socket); // until all are chosen, so that no two are the same
                p[i] = socket.getLocalPort();
            }
            for (ServerSocket socket : held) {
                socket.close();
            }
            return new ClusterSettings(
                    folder.toAbsolutePath().normalize(),
                    numTaskManagers,
                    numSlots,
                    taskManagerHeapMiB,
                    new Ports(p[0], p[0], p[1], p[2], p[3], p[4], p[5]));
        } catch (IOException e) {
            throw new ConfigException("no free port on the loopback interface: " + e.getMessage(), e);
        }
    }

    /** Returns whether the folder holds a cluster, running or not. */
    public static boolean isIn(Path folder) {
        return Files.isRegularFile(folder.resolve(FILE));
    }

    /**
     * Reads what {@link #write} wrote.
     *
     * @throws ConfigException if there is none
     */
    public static ClusterSettings read(Path folder) {
        Path absolute = folder.toAbsolutePath().normalize();
        Properties p = new Properties();
        try (Reader in = Files.newBufferedReader(absolute.resolve(FILE))) {
            p.load(in);
        } catch (IOException e) {
            throw new ConfigException("no local cluster in " + folder + ": start one with ./millrace local up", e);
        }
        return new ClusterSettings(
                absolute,
                number(p, "task-managers"),
                number(p, "slots"),
                number(p, "task-manager-heap-mib"),
                new Ports(
                        number(p, "port.broker"),
                        number(p, "port.advertised"),
                        number(p, "port.controller"),
                        number(p, "port.zookeeper"),
                        number(p, "port.job-manager"),
                        number(p, "port.rest"),
                        number(p, "port.first-metrics")));
    }

    private static int number(Properties p, String name) {
        String text = p.getProperty(name, "");
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new ConfigException(FILE + " has \"" + text + "\" for " + name + ": delete it, and start anew", e);
        }
    }

    /** Writes them into the folder. */
    void write() throws IOException {
        Properties p = new Properties();
        p.setProperty("task-managers", Integer.toString(numTaskManagers));
        p.setProperty("slots", Integer.toString(numSlots));
        p.setProperty("task-manager-heap-mib", Integer.toString(taskManagerHeapMiB));
        p.setProperty("port.broker", Integer.toString(ports.broker));
        p.setProperty("port.advertised", Integer.toString(ports.advertised));
        p.setProperty("port.controller", Integer.toString(ports.controller));
        p.setProperty("port.zookeeper", Integer.toString(ports.zookeeper));
        p.setProperty("port.job-manager", Integer.toString(ports.jobManager));
        p.setProperty("port.rest", Integer.toString(ports.rest));
        p.setProperty("port.first-metrics", Integer.toString(ports.firstMetrics));
        Files.createDirectories(folder);
        try (Writer out = Files.newBufferedWriter(folder.resolve(FILE))) {
            p.store(out, "of ./millrace local");
        }
    }

    /** Returns the same cluster, whose clients reach the broker through a proxy at that port of the loopback interface. */
    public ClusterSettings behindProxy(int port) {
        Ports p = ports;
        return new ClusterSettings(
                folder,
                numTaskManagers,
                numSlots,
                taskManagerHeapMiB,
                new Ports(p.broker, port, p.controller, p.zookeeper, p.jobManager, p.rest, p.firstMetrics));
    }

    /** Returns {@code host:port} at which clients find the broker. */
    public String bootstrapServers() {
        return host() + ":" + ports.advertised;
    }

    /** Returns the job manager's REST address. */
    public String restUrl() {
        return "http://" + host() + ":" + ports.rest;
    }

    /** Returns the range for the job's {@code --metrics-port}. */
    public String metricsPorts() {
        return ports.firstMetrics + "-" + (ports.firstMetrics + numTaskManagers - 1);
    }

    /** Returns {@code host:port} of each task manager's {@code /metrics}, once a job with {@link #metricsPorts} runs there. */
    public List<String> metricsEndpoints() {
        return IntStream.range(0, numTaskManagers)
                .mapToObj(i -> host() + ":" + (ports.firstMetrics + i))
                .toList();
    }

    static String host() {
        return InetAddress.getLoopbackAddress().getHostAddress();
    }

    /** Returns the folder of Flink's configuration. */
    public Path conf() {
        return folder.resolve("conf");
    }

    /** Returns the folder of the processes' logs. */
    public Path logs() {
        return folder.resolve("logs");
    }

    /** Returns the folder for checkpoints. */
    public Path checkpoints() {
        return folder.resolve("checkpoints");
    }

    Path run() {
        return folder.resolve("run");
    }

    Path brokerFolder() {
        return folder.resolve("broker");
    }
}
