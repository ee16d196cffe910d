package io.millrace.engine;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One engine per JVM, counted: all subtasks of a task manager share one copy of the weights, one KV pool, one scheduler. The
 * engine opens with the first {@link Lease} and closes with the last. Any thread.
 */
public final class EngineHost {
    private static final Logger LOG = LoggerFactory.getLogger(EngineHost.class);
    private static final EngineMetrics METRICS = new EngineMetrics();
    private static final Object LOCK = new Object();

    private static @Nullable EngineHost current;

    private final EngineConfig config;
    private final Engine engine;
    private final EngineLoop loop;
    private int numLeases;

    private EngineHost(EngineConfig config) {
        this.config = config;
        engine = Engine.open(config, METRICS);
        loop = new EngineLoop(engine, config.stepTimeout());
        loop.start();
    }

    /**
     * Returns a share of the JVM's engine, opening it if there is none or if the one there is broken. Blocks while it loads.
     *
     * @throws ConfigException if the folder or the options are wrong, or another configuration is being served
     * @throws io.millrace.kernels.DeviceException if the device is missing or too small
     */
    public static Lease acquire(EngineConfig config) {
        synchronized (LOCK) {
            if (current == null || current.loop.failure() != null) {
                current = new EngineHost(config);
            } else if (!current.config.equals(config)) {
                throw new ConfigException("this JVM's engine serves " + current.config + ", not " + config
                        + ": give the jobs of one task manager the same engine options");
            }
            current.numLeases++;
            return current.new HostLease();
        }
    }

    /** Returns the counters of this JVM's engines, past and present. */
    public static EngineMetrics metrics() {
        return METRICS;
    }

    /** Breaks the JVM's engine on purpose, as a lost device would: the tasks that hold it fail and are restarted. No engine, no effect. */
    public static void breakDown(RuntimeException cause) {
        synchronized (LOCK) {
            if (current != null) {
                current.loop.breakDown(cause);
            }
        }
    }

    /** One holder's share; the engine closes with the last one. */
    public interface Lease extends AutoCloseable {
        /** Queues a request; any thread. Events come on the engine's thread. */
        Submission submit(EngineRequest request, EngineListener listener);

        /** Returns what is served. */
        ServedModel model();

        @Override
        void close();
    }

    private final class HostLease implements Lease {
        private final AtomicBoolean isClosed = new AtomicBoolean();

        @Override
        public Submission submit(EngineRequest request, EngineListener listener) {
            if (isClosed.get()) {
                throw new IllegalStateException("the lease is closed");
            }
            return engine.submit(request, listener);
        }

        @Override
        public ServedModel model() {
            return engine.model();
        }

        @Override
        public void close() {
            if (!isClosed.compareAndSet(false, true)) {
                return;
            }
            synchronized (LOCK) {
                if (--numLeases > 0) {
                    return;
                }
                if (current == EngineHost.this) {
                    current = null;
                }
                // Inside the lock: the next engine must not open while this one still holds its memory.
                loop.close();
                if (loop.hasEnded()) {
                    engine.close();
                } else {
                    LOG.error(
                            "a hanging engine can't be closed: its memory stays taken until its step ends; restart the"
                                    + " task manager if the next engine finds too little");
                    loop.whenEnded(engine::close);
                }
            }
        }
    }
}
