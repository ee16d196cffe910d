package io.millrace.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Completions for tests: one with everything, one with nothing that can be left out. */
final class Completions {
    private Completions() {}

    /** Field by field, numbers to the bit, NaN like itself. */
    static void assertSame(Completion actual, Completion expected, String... ignoredFields) {
        assertThat(actual)
                .usingRecursiveComparison()
                .withEqualsForType((a, b) -> Double.compare(a, b) == 0, Double.class)
                .withEqualsForType((a, b) -> Float.compare(a, b) == 0, Float.class)
                .ignoringFields(ignoredFields)
                .isEqualTo(expected);
    }

    static Completion full(Prompt.Form form) {
        Map<String, Object> sampling = new LinkedHashMap<>();
        sampling.put("temperature", 0.6);
        sampling.put("top_k", 20);
        sampling.put("stop", List.of("é\n"));
        sampling.put("ignore_eos", false);
        sampling.put("logit_bias", Map.of("5", 1.5));
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("a", "2");
        metadata.put("b", "\"1\"");
        Completion.TokenLogprob token = new Completion.TokenLogprob(
                "4",
                17,
                new byte[] {0x34},
                -0.1f,
                List.of(
                        new Completion.TopLogprob("4", 17, new byte[] {0x34}, -0.1f),
                        new Completion.TopLogprob("\ufffd", 300, new byte[] {(byte) 0xf0, (byte) 0x9f}, -1.0e-5f)));
        Completion.Choice first = new Completion.Choice(
                0, "42 😀", "6·7\tis", "<think>6·7\tis</think>42 😀", "stop", new int[] {17, 1}, List.of(token));
        Completion.Choice second = new Completion.Choice(1, null, "hm", "<think>hm", "length", new int[0], List.of());
        return new Completion(
                form,
                "q-1",
                form == Prompt.Form.BATCH ? "c-1" : null,
                1_767_225_600L,
                "tiny-r1",
                List.of(first, second),
                List.of(),
                new Completion.Usage(9, 3, 4, 2),
                new int[] {0, 5, 2_000_000_000},
                null,
                "ann",
                metadata,
                new Completion.Provenance(
                        "sha256:ab", "0.1.0", "cpu", "tp1", -7L, sampling, 12.5, 100.0, 6, 5, 1, "llm.prompts-0-42"));
    }

    static Completion ofProgram(Prompt.Form form) {
        Completion c = small(form);
        return new Completion(
                c.form(),
                c.id(),
                c.customId(),
                c.created(),
                c.model(),
                c.choices(),
                List.of(
                        new Completion.Result("a[0]", "42 😀", "6·7", "stop", -7L, 9, 3, List.of()),
                        new Completion.Result("a[1]", null, "no end", "length", Long.MAX_VALUE, 9, 8, List.of()),
                        new Completion.Result(
                                "s",
                                "yes",
                                null,
                                "stop",
                                null,
                                20,
                                0,
                                List.of(
                                        new Completion.Candidate("yes", -0.125, 1),
                                        new Completion.Candidate("", Double.NaN, 0)))),
                c.usage(),
                c.promptTokenIds(),
                null,
                c.user(),
                c.metadata(),
                c.provenance());
    }

    static Completion small(Prompt.Form form) {
        return new Completion(
                form,
                "llm.prompts-0-7",
                null,
                0,
                "m",
                List.of(new Completion.Choice(0, null, null, "", "cancelled", null, null)),
                List.of(),
                new Completion.Usage(1, 0, 0, 0),
                null,
                null,
                null,
                Map.of(),
                new Completion.Provenance("h", "v", "cuda", "tp8", 0, Map.of(), Double.NaN, 1, 0, 0, 0, "s"));
    }
}
