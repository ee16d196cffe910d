package io.millrace.engine;

/** Gets one request's events. Called on the engine's thread: hand over and return, never block. */
public interface EngineListener {
    /** An event of the request. */
    void onEvent(EngineEvent event);

    /** The engine broke and will answer nothing more. Called at most once, last. */
    void onEngineFailure(RuntimeException cause);
}
