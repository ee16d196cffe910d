package io.millrace.job;

import io.millrace.operators.CancelSource;
import java.util.Properties;
import java.util.function.Consumer;

/**
 * Cancels from the control topic, through one consumer for all subtasks of a task manager. A record's key is the id of the
 * requests that it ends: all that were published before it, and those of the minute after it, since clocks differ and a cancel may
 * overtake its prompt. Any thread.
 *
 * @param client bootstrap servers and whatever the clients need
 * @param topic the control topic
 */
record KafkaCancels(Properties client, String topic) implements CancelSource {
    @Override
    public Subscription subscribe(Consumer<String> onCancel) {
        return CancelConsumer.subscribe(this, onCancel);
    }

    @Override
    public String toString() {
        return "KafkaCancels[" + topic + "]"; // the client's properties may hold secrets
    }
}
