package io.millrace.operators;

import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineMetrics;
import io.prometheus.metrics.exporter.httpserver.HTTPServer;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.BindException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code /metrics} of a task manager for Prometheus, with histograms whose buckets can be added up over task managers, which Flink's
 * own reporter can't. Counted like the engine: opens with the first subtask, closes with the last. Any thread.
 */
final class MetricsEndpoint implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MetricsEndpoint.class);
    private static final Object LOCK = new Object();

    private static @Nullable MetricsEndpoint current;

    private final PortRange ports;
    private final HTTPServer server;
    private int numHolders;

    private MetricsEndpoint(PortRange ports, HTTPServer server) {
        this.ports = ports;
        this.server = server;
    }

    /**
     * Returns a share of the JVM's endpoint, opening it if there is none.
     *
     * @param ports the first free one is taken
     * @throws ConfigException if none is free, or another range is being served
     */
    static MetricsEndpoint acquire(PortRange ports, EngineMetrics engine) {
        synchronized (LOCK) {
            if (current == null) {
                current = new MetricsEndpoint(ports, open(ports, engine));
                LOG.info("metrics for Prometheus: http://localhost:{}/metrics", current.port());
            } else if (!current.ports.equals(ports)) {
                throw new ConfigException("this task manager serves its metrics on " + current.ports + ", not " + ports
                        + ": give its jobs the same --metrics-port");
            }
            current.numHolders++;
            return current;
        }
    }

    private static HTTPServer open(PortRange ports, EngineMetrics engine) {
        PrometheusRegistry registry = new PrometheusRegistry();
        registry.register(new MetricsSnapshot(engine, PipelineTotals.OF_JVM));
        for (int port = ports.first(); port <= ports.last(); port++) {
            try {
                return HTTPServer.builder().port(port).registry(registry).buildAndStart();
            } catch (BindException e) {
                LOG.debug("port {} is taken", port, e);
            } catch (IOException e) {
                throw new ConfigException("can't serve metrics on port " + port + ": " + e.getMessage(), e);
            }
        }
        throw new ConfigException("no port of --metrics-port " + ports
                + " is free: give a range with a port for each task manager of the machine, such as 9400-9409");
    }

    /** Returns the port that was taken. */
    int port() {
        return server.getPort();
    }

    /** Gives one share back. */
    @Override
    public void close() {
        synchronized (LOCK) {
            if (--numHolders == 0) {
                server.close();
                current = null;
            }
        }
    }
}
