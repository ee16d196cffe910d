package io.millrace.operators;

import io.millrace.engine.EngineConfig;
import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineMetrics;
import io.millrace.engine.ServedModel;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** Finds a fake engine by name, also after the job graph was serialised. */
record FakeSource(String name) implements EngineSource {
    private static final Map<String, Supplier<FakeEngine>> ENGINES = new ConcurrentHashMap<>();
    private static final EngineMetrics METRICS = new EngineMetrics();

    static FakeSource of(String name, Supplier<FakeEngine> engine) {
        ENGINES.put(name, engine);
        return new FakeSource(name);
    }

    @Override
    public EngineHost.Lease acquire(EngineConfig config) {
        return ENGINES.get(name).get().lease();
    }

    @Override
    public Vocabulary vocabulary(ServedModel model) {
        return new Vocabulary(FakeEngine.NUM_TOKENS, FakeEngine::tokenBytes);
    }

    @Override
    public EngineMetrics metrics() {
        return METRICS;
    }
}
