package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models of other families in small: random weights from the synthesizer, and what the NumPy reference computed in f64 from the same
 * weights (models/shapes). The engine's f32 has to give the same tokens and drafts, and logits within a bound.
 */
class ShapesIT {
    static final Path SHAPES = Path.of("..", "models", "shapes");
    private static final long SEED = 3;
    /** Of logits up to 10: the reference itself, run in f32, is off by 1e-5. */
    private static final double BOUND = 1e-4;

    private @TempDir Path parent;

    @ParameterizedTest
    @ValueSource(strings = {"v2-lite", "moonlight", "v3-bf16", "v3.1"})
    void givesTheReferencesTokensDraftsAndLogits(String name) throws Exception {
        Path folder = synthesize(parent, name);
        try (Stream<String> lines = Files.lines(SHAPES.resolve(name).resolve("goldens.jsonl"));
                BareRunner runner = new BareRunner(folder, 200, 64, BareRunner.identityPages(1, 9))) {
            List<String> all = lines.toList();
            assertThat(sha256(folder.resolve("model-00001-of-000001.safetensors")))
                    .as("the weights that the goldens were computed from")
                    .isEqualTo(TestConfigs.JSON
                            .readTree(all.get(0))
                            .get("weights_sha256")
                            .textValue());
            assertThat(all).hasSize(5);
            for (String line : all.subList(1, all.size())) {
                check(runner, TestConfigs.JSON.readTree(line));
            }
        }
    }

    /** The build runs this at 512 bits, 256 bits and scalar ({@link io.millrace.engine.DeterminismIT}); the hash holds them together. */
    @ParameterizedTest
    @CsvSource({"v2-lite, -417597251", "moonlight, -1032882391", "v3-bf16, 1964319585", "v3.1, 669605542"})
    @Tag("width")
    void sameBitsAtEveryVectorWidthAndHoweverAPromptIsCut(String name, int fingerprint) throws Exception {
        Path folder = synthesize(parent, name);
        int[] prompt = BareRunner.randomIds(70, 264, 7);
        try (BareRunner runner = new BareRunner(folder, 70, 64, BareRunner.identityPages(3, 2))) {
            runner.awaitReady(); // until then the scalar loops work
            float[][] whole = runner.prefill(0, prompt, 70);
            BareRunner.assertSameBits(runner.prefill(1, prompt, 11), whole);
            BareRunner.assertSameBits(runner.prefill(2, prompt, 1), whole);
            int hash = Arrays.stream(whole).mapToInt(Arrays::hashCode).reduce(0, (h, row) -> 31 * h + row);
            assertThat(hash).isEqualTo(fingerprint);
        }
    }

    private static void check(BareRunner runner, JsonNode golden) {
        int[] prompt = ints(golden.get("prompt_ids"));
        int[] want = ints(golden.get("completion_ids"));
        float[][] logits = runner.prefill(0, prompt, 200);
        float[] row = logits[prompt.length - 1];
        assertClose(row, golden.get("first_logits"), prompt.length + " tokens, first step");
        List<Integer> completion = new ArrayList<>(List.of(BareRunner.argmax(row)));
        while (completion.size() < want.length) {
            int[] last = {completion.get(completion.size() - 1)};
            int position = prompt.length + completion.size() - 1;
            row = runner.step(List.of(new BareRunner.Chunk(0, position, last)))[0];
            completion.add(BareRunner.argmax(row));
        }
        assertThat(completion.stream().mapToInt(Integer::intValue).toArray())
                .as("%d tokens", prompt.length)
                .isEqualTo(want);
        assertClose(row, golden.get("last_logits"), prompt.length + " tokens, last step");
        int[] drafts = ints(golden.get("draft_ids"));
        if (drafts.length > 0) {
            assertThat(drafts(runner, prompt, want, drafts.length)).isEqualTo(drafts);
        }
    }

    /** Feeds prompt and completion again, now with the MTP layer. */
    private static int[] drafts(BareRunner runner, int[] prompt, int[] completion, int count) {
        int[] all = Arrays.copyOf(prompt, prompt.length + completion.length);
        System.arraycopy(completion, 0, all, prompt.length, completion.length);
        int end = prompt.length + count - 1;
        int[] drafts = new int[count];
        for (int start = 0; start < end; start += 200) {
            int to = Math.min(end, start + 200);
            float[][] logits = runner.draft(
                    new BareRunner.Chunk(0, start, Arrays.copyOfRange(all, start, to)),
                    Arrays.copyOfRange(all, start + 1, to + 1));
            for (int i = Math.max(0, prompt.length - 1 - start); i < to - start; i++) {
                drafts[start + i - prompt.length + 1] = BareRunner.argmax(logits[i]);
            }
        }
        return drafts;
    }

    private static void assertClose(float[] row, JsonNode want, String what) {
        assertThat(row).hasSize(want.size());
        for (int v = 0; v < row.length; v++) {
            assertThat(Math.abs(row[v] - want.get(v).doubleValue()))
                    .as("%s: logit of %d, %s, golden %s", what, v, row[v], want.get(v))
                    .isLessThan(BOUND);
        }
    }

    /** Writes a shape's checkpoint, the one that its goldens were computed from. */
    static Path synthesize(Path parent, String name) throws Exception {
        Path folder = parent.resolve(name);
        String json = Files.readString(SHAPES.resolve(name).resolve("config.json"));
        RandomWeights.write(folder, json, SEED, Long.MAX_VALUE, ProgressListener.NONE);
        return folder;
    }

    private static String sha256(Path file) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    }

    static int[] ints(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false)
                .mapToInt(JsonNode::intValue)
                .toArray();
    }
}
