package io.millrace.bench.torture;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** Seeded prompts: sums, greedy and sampled, with answers of 30 to 400 tokens; most are made to go on after their end. */
final class TorturePrompts {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double[] TEMPERATURES = {0, 0, 0.6, 1.5};
    private static final int MIN_TOKENS = 30;
    private static final int MAX_TOKENS = 400;

    private TorturePrompts() {}

    /** Returns the id of the i-th prompt. */
    static String id(int i) {
        return "t" + i;
    }

    /** Writes {@code count} prompts, one a line. */
    static void write(Path file, int count, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            for (int i = 0; i < count; i++) {
                ObjectNode prompt = JSON.createObjectNode();
                prompt.put("id", id(i));
                prompt.putArray("messages")
                        .addObject()
                        .put("role", "user")
                        .put("content", "What is " + random.nextInt(1, 1_000) + " + " + random.nextInt(1, 1_000) + "?");
                prompt.put("max_tokens", random.nextInt(MIN_TOKENS, MAX_TOKENS + 1));
                prompt.put("ignore_eos", random.nextInt(4) > 0);
                prompt.put("temperature", TEMPERATURES[random.nextInt(TEMPERATURES.length)]);
                prompt.put("seed", random.nextInt(1 << 30));
                out.write(JSON.writeValueAsString(prompt));
                out.write('\n');
            }
        }
    }
}
