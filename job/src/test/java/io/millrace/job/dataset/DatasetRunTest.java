package io.millrace.job.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.RejectedException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class DatasetRunTest {
    private static final int ROWS = 95;
    /** Attempt i of row r is right if this divides r + i. */
    private static final int RIGHT_EACH = 3;

    @TempDir
    Path folder;

    private final Map<String, Integer> draws = new ConcurrentHashMap<>();
    private final ScheduledExecutorService threads = Executors.newScheduledThreadPool(2);

    @BeforeEach
    void writeInput() throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            lines.add(i % 20 == 13 ? "{\"other\":1}" : "{\"q\":\"q" + i + "\",\"weight\":0.10,\"id\":\"r" + i + "\"}");
        }
        Files.write(folder.resolve("in.jsonl"), lines);
    }

    private static DatasetPlan plan(int samples, int accept, int maxAttempts, long maxTotalTokens) {
        return new DatasetPlan(
                new Columns(null, "q", null, "id"),
                new RowPolicy(samples, accept, maxAttempts, false),
                "exec:true", // the tests' own verifier is used
                Duration.ofSeconds(1),
                maxTotalTokens,
                5,
                10,
                null,
                0,
                true);
    }

    @AfterEach
    void stopThreads() {
        threads.shutdownNow();
    }

    /** Answers later and out of order; breaks after so many. */
    private final class ShuffledModel implements Generator {
        private final SplittableRandom random;
        private final AtomicInteger numLeft;

        ShuffledModel(long seed, int breakAfter) {
            random = new SplittableRandom(seed);
            numLeft = new AtomicInteger(breakAfter);
        }

        @Override
        public void draw(Question question, int attempt, long seed, Consumer<Outcome> then) {
            draws.merge(question.id() + "/" + attempt, 1, Integer::sum);
            Sample sample = new Sample(attempt, seed, "stop", "because", "answer " + seed, 4, 10);
            threads.schedule(
                    () -> then.accept(
                            numLeft.getAndDecrement() <= 0
                                    ? new Outcome.Broken(new IllegalStateException("broke"))
                                    : new Outcome.Drawn(sample)),
                    random.nextInt(2000),
                    TimeUnit.MICROSECONDS);
        }
    }

    private static Verifier everyThird() {
        return (question, sample) ->
                (question.row() + sample.attempt()) % RIGHT_EACH == 0 ? Verdict.correct("yes") : Verdict.wrong("no");
    }

    private List<ShardEntry> run(String output, DatasetPlan plan, Generator generator, boolean isResume)
            throws IOException {
        try (OutputFolder out = OutputFolder.open(folder.resolve(output), isResume)) {
            out.begin(plan.settings());
            try (Shards shards = new Shards(
                            out,
                            plan.shardRows(),
                            new ShardFiles(out, DataFormat.JSONL, plan.dedup(), plan.isKeepRejected()));
                    RowSource rows = InputFiles.of(folder.resolve("in.jsonl")).open(1 << 20)) {
                new DatasetRun(plan, everyThird(), generator, shards, 3).execute(rows, done -> {});
                assertThat(shards.numOpen()).isZero();
                return shards.written();
            }
        }
    }

    private Map<String, String> files(String output) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder.resolve(output))) {
            for (Path f : files.filter(Files::isRegularFile).toList()) {
                contents.put(f.getFileName().toString(), Files.readString(f));
            }
        }
        return contents;
    }

    @Test
    void eachRowIsInItsShardInOrder() throws IOException {
        List<ShardEntry> shards = run("out", plan(2, 0, 0, 0), new ShuffledModel(1, 9999), false);

        assertThat(shards).hasSize(10);
        assertThat(shards.get(9).numRows()).isEqualTo(5);
        List<Integer> rows = new ArrayList<>();
        for (ShardEntry shard : shards) {
            for (String line : Files.readAllLines(
                    folder.resolve("out").resolve(shard.data().name()))) {
                JsonNode json = RowJson.MAPPER.readTree(line);
                rows.add(Integer.valueOf(json.path("id").asText().substring(1)));
                assertThat(line)
                        .startsWith("{\"q\":\"q")
                        .contains("\"weight\":0.10")
                        .contains("\"source_id\":\"r");
                assertThat(json.path("reasoning").asText()).isEqualTo("because");
            }
        }
        assertThat(rows).isSorted();
        // Of attempts 0 and 1, one is right where 3 divides the row or the next number.
        List<Integer> expected = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            if (i % 20 != 13 && (i % 3 == 0 || (i + 1) % 3 == 0)) {
                expected.add(i);
            }
        }
        assertThat(rows).isEqualTo(expected);
        assertThat(files("out").get("errors-00001.jsonl"))
                .isEqualTo("{\"file\":\"in.jsonl\",\"line\":14,\"id\":\"in.jsonl:14\",\"stage\":\"validate\","
                        + "\"message\":\"column \\\"id\\\" of --id-column is missing: the row has [other]\","
                        + "\"retriable\":false,\"row\":{\"other\":1}}\n");
        assertThat(files("out").get("rejected-00000.jsonl")).contains("\"why\":\"no\"");
        assertThat(files("out")).doesNotContainKey("errors-00000.jsonl");
    }

    @Test
    void brokenAtAnyPlaceItGoesOnWithTheSameFilesAndDrawsNoFinishedRowAgain() throws IOException {
        DatasetPlan plan = plan(1, 2, 9, 0);
        run("undisturbed", plan, new ShuffledModel(2, 9999), false);
        for (int breakAfter : new int[] {0, 7, 100}) {
            String output = "broken" + breakAfter;
            draws.clear();
            assertThatThrownBy(() -> run(output, plan, new ShuffledModel(3, breakAfter), false))
                    .hasMessage("broke");
            run(output, plan, new ShuffledModel(4, 9999), true);

            assertThat(files(output)).isEqualTo(files("undisturbed"));
            // At most three rows, those under way, are begun anew.
            assertThat(draws.entrySet().stream()
                            .filter(e -> e.getValue() > 1)
                            .map(e -> e.getKey().replaceFirst("/.*", ""))
                            .distinct())
                    .hasSizeLessThanOrEqualTo(3);
        }
    }

    @Test
    void aTornJournalLosesItsLastRowOnly() throws IOException {
        DatasetPlan plan = plan(1, 0, 0, 0);
        run("undisturbed", plan, new ShuffledModel(2, 9999), false);
        assertThatThrownBy(() -> run("torn", plan, new ShuffledModel(2, 17), false))
                .hasMessage("broke");
        Path journal = folder.resolve("torn/.work/journal-00001");
        int before = Files.readAllLines(journal).size();
        try (RandomAccessFile file = new RandomAccessFile(journal.toFile(), "rw")) {
            file.setLength(file.length() - 9);
        }
        try (ShardJournal reopened = new ShardJournal(journal)) {
            assertThat(reopened.numRows()).isEqualTo(before - 1).isPositive();
        }
        run("torn", plan, new ShuffledModel(5, 9999), true);

        assertThat(files("torn")).isEqualTo(files("undisturbed"));
    }

    @Test
    void theTokenBudgetEndsItWithWhatIsThere() throws IOException {
        List<ShardEntry> shards = run("out", plan(1, 1, 3, 300), new ShuffledModel(1, 9999), false);

        Tally total = new Tally();
        shards.forEach(s -> total.add(s.tally()));
        // At most the three attempts that were under way are too many.
        assertThat(total.completionTokens).isBetween(300L, 330L);
        assertThat(total.rows).isBetween(10L, 40L);
        assertThat(shards.get(shards.size() - 1).numRows()).isLessThan(10);
        assertThat(total.passAt(1)).isBetween(0.2, 0.5);
        assertThat(total.passAt(3)).isEqualTo(1.0);
    }

    @Test
    void refusedQuestionsAreErrors() throws IOException {
        Generator refusing = (question, attempt, seed, then) -> then.accept(new Generator.Outcome.Refused(
                new RejectedException(RejectedException.Stage.TOKENIZE, false, "prompt too long")));
        List<ShardEntry> shards = run("out", plan(2, 0, 0, 0), refusing, false);

        assertThat(shards.stream().mapToLong(s -> s.tally().badRows).sum()).isEqualTo(ROWS);
        assertThat(files("out").get("data-00000.jsonl")).isEmpty();
        assertThat(files("out").get("errors-00000.jsonl")).contains("\"stage\":\"tokenize\"");
    }

    @Test
    void otherOptionsAreRefusedOnResume() throws IOException {
        assertThatThrownBy(() -> run("out", plan(1, 0, 0, 0), new ShuffledModel(1, 5), false))
                .hasMessage("broke");

        assertThatThrownBy(() -> run("out", plan(2, 0, 0, 0), new ShuffledModel(1, 5), true))
                .hasMessageContaining("was begun with \"samples: 1\" but now it is \"samples: 2\"");
        assertThatThrownBy(() -> run("out", plan(1, 0, 0, 0), new ShuffledModel(1, 5), false))
                .hasMessageContaining("add --resume to go on");
    }
}
