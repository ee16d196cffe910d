package io.millrace.bench;

import io.millrace.engine.EngineConfig;
import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineListener;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.ServedModel;
import io.millrace.engine.Submission;
import io.millrace.operators.EngineSource;

/** The JVM's engine with the current run's clock on every request. */
final class TimedEngineSource implements EngineSource {
    private static final long serialVersionUID = 1L;

    @Override
    public EngineHost.Lease acquire(EngineConfig config) {
        EngineHost.Lease engine = EngineSource.JVM.acquire(config);
        return new EngineHost.Lease() {
            @Override
            public Submission submit(EngineRequest request, EngineListener listener) {
                return RunClock.current().submit(engine, request, listener);
            }

            @Override
            public ServedModel model() {
                return engine.model();
            }

            @Override
            public void close() {
                engine.close();
            }
        };
    }
}
