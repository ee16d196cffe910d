package io.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.job.dataset.ParquetCodecs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.LocalOutputFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Parquet to Parquet by a process of 1 GiB that is killed over and over. Larger by {@code -Dmillrace.dataset-rows=20000
 * -Dmillrace.dataset-kills=3}; {@code docs/datasets.md} has the command.
 */
@Timeout(value = 24, unit = TimeUnit.HOURS) // the larger ones; the small one is bounded by its process
class DatasetKillIT {
    private static final int ROWS = Integer.getInteger("millrace.dataset-rows", 4_000);
    private static final int KILLS = Integer.getInteger("millrace.dataset-kills", 2);
    private static final int SHARD_ROWS = Math.max(40, ROWS / 100);

    @TempDir
    Path folder;

    @Test
    void killedOverAndOverNoRowIsLostOrDoubled() throws Exception {
        writeInput();
        SplittableRandom random = new SplittableRandom(8);
        for (int kill = 1; kill <= KILLS; kill++) {
            Process process = start("killed");
            awaitProgress(process, (long) ROWS * kill / (KILLS + 1));
            Thread.sleep(random.nextInt(100));
            process.destroyForcibly();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(137);
            assertThat(folder.resolve("killed/manifest.json")).doesNotExist();
        }
        end(start("killed"));
        CommandRun undisturbed = CommandRun.of("", arguments("undisturbed").toArray(String[]::new));
        assertThat(undisturbed.exitCode()).as(undisturbed.err()).isZero();

        BitSet seen = new BitSet();
        JsonNode killed = manifest("killed");
        for (JsonNode shard : killed.path("shards")) {
            readIds(
                    folder.resolve("killed")
                            .resolve(shard.path("data").path("name").asText()),
                    seen);
        }
        assertThat(seen.cardinality()).isEqualTo(ROWS);
        assertThat(killed.path("shards"))
                .isEqualTo(manifest("undisturbed").path("shards")); // files' SHA-256 and all counts
        assertThat(killed.path("totals").path("accepted").asInt()).isEqualTo(ROWS);
    }

    private void writeInput() throws IOException {
        Schema schema = SchemaBuilder.record("problem")
                .fields()
                .requiredInt("key")
                .requiredString("question")
                .endRecord();
        try (ParquetWriter<GenericRecord> writer = AvroParquetWriter.<GenericRecord>builder(
                        new LocalOutputFile(folder.resolve("in.parquet")))
                .withSchema(schema)
                .withConf(new PlainParquetConfiguration())
                .withDataModel(GenericData.get())
                .withCompressionCodec(CompressionCodecName.UNCOMPRESSED)
                .withCodecFactory(new ParquetCodecs())
                .build()) {
            for (int i = 0; i < ROWS; i++) {
                GenericRecord row = new GenericData.Record(schema);
                row.put("key", i);
                row.put("question", "Add " + i % 997 + " and " + i / 997 + ".");
                writer.write(row);
            }
        }
    }

    /** Notes a data file's keys; each must be new. */
    private static void readIds(Path file, BitSet seen) throws IOException {
        try (ParquetReader<GenericRecord> reader = AvroParquetReader.<GenericRecord>builder(
                        new LocalInputFile(file), new PlainParquetConfiguration())
                .withDataModel(GenericData.get())
                .withCodecFactory(new ParquetCodecs())
                .build()) {
            for (GenericRecord row = reader.read(); row != null; row = reader.read()) {
                int key = (Integer) row.get("key");
                assertThat(seen.get(key)).as("row %d", key).isFalse();
                seen.set(key);
                assertThat(row.get("prompt").toString()).isEqualTo("Add " + key % 997 + " and " + key / 997 + ".");
            }
        }
    }

    private JsonNode manifest(String output) throws IOException {
        return new ObjectMapper()
                .readTree(folder.resolve(output + "/manifest.json").toFile());
    }

    private Process start(String output) throws IOException {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "-Xmx1g",
                "-cp",
                classPath,
                "io.millrace.job.cli.Main"));
        command.addAll(arguments(output));
        return new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(folder.resolve("stderr").toFile())
                .start();
    }

    private List<String> arguments(String output) {
        return List.of(
                "generate",
                "--input",
                folder + "/in.parquet",
                "--output",
                folder + "/" + output,
                "--resume",
                "--prompt-column",
                "question",
                "--max-tokens",
                "8",
                "--temperature",
                "0.7",
                "--shard-rows",
                SHARD_ROWS + "");
    }

    /** Waits until so many rows are in written shards. */
    private void awaitProgress(Process process, long numRows) throws IOException, InterruptedException {
        Path log = folder.resolve("killed/.work/shards.jsonl");
        while (!Files.exists(log) || SHARD_ROWS * Files.lines(log).count() < numRows - SHARD_ROWS) {
            assertThat(process.isAlive())
                    .as(Files.readString(folder.resolve("stderr")))
                    .isTrue();
            Thread.sleep(20);
        }
    }

    private void end(Process process) throws IOException, InterruptedException {
        process.waitFor();
        assertThat(process.exitValue())
                .as(Files.readString(folder.resolve("stderr")))
                .isZero();
    }
}
