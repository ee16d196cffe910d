package io.millrace.operators;

import io.millrace.engine.EngineConfig;
import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineMetrics;
import io.millrace.engine.ServedModel;
import java.io.Serializable;

/** Where an operator's engine comes from; travels with the job graph. Called in the task's thread. */
@FunctionalInterface
public interface EngineSource extends Serializable {
    /** The JVM's one engine. */
    EngineSource JVM = EngineHost::acquire;

    /** Takes a share of the engine; blocks while it loads. */
    EngineHost.Lease acquire(EngineConfig config);

    /** Returns the served model's tokens. */
    default Vocabulary vocabulary(ServedModel model) {
        return new Vocabulary(model.tokenizer().numTokens(), model.tokenizer()::tokenBytes);
    }

    /** Returns the counters of this JVM's engine. */
    default EngineMetrics metrics() {
        return EngineHost.metrics();
    }
}
