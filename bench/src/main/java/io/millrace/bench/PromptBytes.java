package io.millrace.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** A run's prompts as they are on the wire. */
final class PromptBytes {
    private PromptBytes() {}

    /** Returns a request: token ids, greedy, of fixed length. */
    static byte[] of(RunClock clock, int index) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("id", clock.id(index));
        ArrayNode ids = json.putArray("prompt");
        for (int id : clock.prompt(index)) {
            ids.add(id);
        }
        json.put("max_tokens", clock.workload().outputTokens());
        json.put("temperature", 0);
        json.put("ignore_eos", true);
        return json.toString().getBytes(UTF_8);
    }

    /** Returns a request's key: its id. */
    static byte[] key(RunClock clock, int index) {
        return clock.id(index).getBytes(UTF_8);
    }

    /** Returns which request of the run has the key, −1 if none. */
    static int index(RunClock clock, byte[] key) {
        return clock.index(new String(key, UTF_8));
    }
}
