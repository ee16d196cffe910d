package io.millrace.engine;

/** SKELETON: one engine per JVM, counted. */
@SuppressWarnings({"DoNotCallSuggester", "ObjectToString"}) // skeleton
public final class EngineHost {
    private EngineHost() {}

    /** Returns the JVM's engine, opening it and its loop if nobody holds it yet. Blocks while it loads. */
    public static Lease acquire(EngineConfig config) {
        throw new UnsupportedOperationException("skeleton " + config);
    }

    /** Returns the counters of this JVM's engines, past and present. */
    public static EngineMetrics metrics() {
        throw new UnsupportedOperationException("skeleton");
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
}
