package io.millrace.bench;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Wrong usage: one line on stderr and exit code 2. */
class ServingBenchTest {
    private static final String MODEL = "../models/tiny-r1";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int run(String... args) {
        List<String> all = new ArrayList<>(List.of("--model", MODEL));
        all.addAll(List.of(args));
        return ServingBench.run(
                new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), all.toArray(String[]::new));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--concurrency 0|--concurrency is 0 but must be at least 1",
                "--concurrency x|Invalid value for option '--max-num-seqs' (N): 'x' is not an int",
                "--output-len 0|--output-len is 0 but must be at least 1",
                "--draft-tokens 9|draft-tokens is 9 but must be 0 (none) to 8",
                "--prefix-cache yes|--prefix-cache is yes but must be on or off",
                "--compare engine|--compare has 1 ways but must have 2: engine,kafka",
                "--plot p.html --baseline r.jsonl --compare engine,flink|--baseline is an earlier run, --compare has two "
                        + "of now: leave out one of them",
                "--concurrency 1,2,3 --input-len 5,6|--input-len has 2 values but --concurrency has 3: "
                        + "give one for all or one for each",
                "--concurrency 1,2 --pairs 1,0|--pairs is 0 but must be at least 1",
                "--plot p.html,p.png|--plot p.png is neither a page nor a picture: end it in .html or .svg",
                "--baseline r.jsonl|--baseline is for --plot: give --plot, too",
                "--plot p.html --baseline none.jsonl|can't read --baseline none.jsonl: "
                        + "java.nio.file.NoSuchFileException: none.jsonl",
                "--input-len 2000|prompt and completion have 3,000 tokens but the model allows 2,048: "
                        + "lower --input-len or --output-len",
                "--max-model-len 50|--max-model-len is 50 but prompt and completion have 1100 tokens: "
                        + "raise it or leave it out",
                "--tensor-parallel-size 0|tensor-parallel-size is 0 but must be at least 1",
                "--data-parallel-size 2|data-parallel-size is 2 but enable-expert-parallel is off: groups that attend to their "
                        + "own requests share the experts, so turn it on",
                "--tensor-parallel-size 8|plan tp8-ep1 can't cut tiny-r1: num_attention_heads 4 isn't a multiple of 8 ranks",
                "--threads -1|threads is -1 but must be 0 (all cores) or more",
            })
    void oneLineAndExitCode2(String args, String message) {
        assertThat(run(args.split(" "))).isEqualTo(2);
        assertThat(err.toString(UTF_8)).isEqualTo("millrace bench: " + message + "\n");
        assertThat(out.toString(UTF_8)).isEmpty();
    }

    @Test
    void anUnknownWayIsNamed() {
        assertThat(run("--through", "pigeon")).isEqualTo(2);
        assertThat(err.toString(UTF_8)).contains("pigeon").containsOnlyOnce("\n");
    }

    @Test
    void cudaWithoutADriverIsRefusedInOneLine() {
        assumeFalse(Files.exists(Path.of("/dev/nvidiactl")), "there is a GPU");
        assertThat(run("--backend", "cuda")).isEqualTo(1);
        assertThat(err.toString(UTF_8))
                .startsWith("millrace bench: no CUDA driver: ")
                .contains("use --backend cpu")
                .containsOnlyOnce("\n");
        assertThat(out.toString(UTF_8)).isEmpty();
    }

    @Test
    void samePromptsForTheSameSeed() {
        Workload w = new Workload(2, 3, 50, 1, 9);
        assertThat(w.prompts(100)).isDeepEqualTo(w.prompts(100));
        assertThat(w.prompts(100)[0]).isNotEqualTo(w.prompts(100)[1]);
        assertThat(w.prompts(100)[2]).hasSize(50);
        assertThat(Arrays.stream(w.prompts(100)).flatMapToInt(Arrays::stream)).allMatch(id -> id >= 0 && id < 100);
    }
}
