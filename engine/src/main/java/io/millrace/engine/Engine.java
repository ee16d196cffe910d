package io.millrace.engine;

/** SKELETON: the signatures that operators and job build against. */
@SuppressWarnings({"DoNotCallSuggester", "ObjectToString"}) // skeleton
public final class Engine implements AutoCloseable {
    private Engine() {}

    /** Loads the model and starts nothing yet. */
    public static Engine open(EngineConfig config, EngineMetrics metrics) {
        throw new UnsupportedOperationException("skeleton " + config + metrics);
    }

    /** Queues a request; any thread. Events come on the engine's thread. */
    public Submission submit(EngineRequest request, EngineListener listener) {
        throw new UnsupportedOperationException("skeleton " + request + listener);
    }

    /** Returns what is served. */
    public ServedModel model() {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {}
}
