package io.millrace.bench.torture;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** Seeded prompts: sums, greedy and sampled, most are made to go on after their end, and one of four is streamed. */
final class TorturePrompts {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double[] TEMPERATURES = {0, 0, 0.6, 1.5};
    private static final int STREAMED_ONE_OF = 4;

    private TorturePrompts() {}

    /** Returns the id of the i-th prompt. */
    static String id(int i) {
        return "t" + i;
    }

    /** Writes a plan's prompts, one a line. */
    static void write(Path file, TorturePlan plan) throws IOException {
        SplittableRandom random = new SplittableRandom(plan.seed());
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            for (int i = 0; i < plan.numPrompts(); i++) {
                out.write(prompt(i, plan.maxTokens(), random));
                out.write('\n');
            }
        }
    }

    /** Returns the i-th prompt as JSON, with the next numbers of {@code random}. */
    static String prompt(int i, int maxTokens, SplittableRandom random) {
        ObjectNode prompt = JSON.createObjectNode();
        prompt.put("id", id(i));
        prompt.putArray("messages")
                .addObject()
                .put("role", "user")
                .put("content", "What is " + random.nextInt(1, 1_000) + " + " + random.nextInt(1, 1_000) + "?");
        prompt.put("max_tokens", random.nextInt(TorturePlan.MIN_TOKENS, maxTokens + 1));
        prompt.put("ignore_eos", random.nextInt(4) > 0);
        prompt.put("temperature", TEMPERATURES[random.nextInt(TEMPERATURES.length)]);
        prompt.put("seed", random.nextInt(1 << 30));
        prompt.put("stream", i % STREAMED_ONE_OF == 0);
        return prompt.toString();
    }
}
