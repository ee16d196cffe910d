package io.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetFilesTest {
    @TempDir
    Path folder;

    private Path input;
    private DatasetFiles files;

    @BeforeEach
    void makeInput() throws IOException {
        input = Files.writeString(folder.resolve("in.jsonl"), "{}\n");
        files = DatasetFiles.of(input, folder.resolve("out.jsonl").toString(), null);
    }

    @Test
    void aFileGoesToAFile() {
        assertThat(files.inputNames()).containsExactly("in.jsonl");
        assertThat(files.isOutputFolder()).isFalse();
        assertThat(files.errors()).isEqualTo(folder.resolve("out.jsonl.errors.jsonl"));
        assertThat(files.work()).isEqualTo(folder.resolve(".out.jsonl.millrace"));
    }

    @Test
    void aFolderIsReadInTheOrderOfNames() throws IOException {
        Path dir = Files.createDirectories(folder.resolve("d/sub")).getParent();
        Files.writeString(dir.resolve("b.jsonl"), "");
        Files.writeString(dir.resolve("a.jsonl"), "");
        Files.writeString(dir.resolve("sub/c.jsonl"), "");
        Files.writeString(dir.resolve("note.txt"), "");

        DatasetFiles many = DatasetFiles.of(dir, folder.resolve("answers/") + "/", null);

        assertThat(many.inputNames()).containsExactly("a.jsonl", "b.jsonl", "sub/c.jsonl");
        assertThat(many.isOutputFolder()).isTrue();
    }

    @Test
    void refusesWhatCantWork() {
        assertRefused(folder.resolve("none"), "out", "no file or folder");
        assertRefused(input, folder + "/none/out", "is in a folder that doesn't exist");
        assertRefused(input, input.toString(), "is the input: give another file");
    }

    private static void assertRefused(Path in, String out, String message) {
        assertThatThrownBy(() -> DatasetFiles.of(in, out, null))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(message);
    }

    @Test
    void oneProcessAtATime() throws IOException {
        try (DatasetFiles.Lock lock = files.lock()) {
            assertThat(lock.folder()).isDirectory();
            assertThatThrownBy(files::lock)
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("is being written by another process");
        }
        files.lock().close();
    }

    @Test
    void goesOnFromTheNewestProgressOnlyWhenAsked() throws IOException {
        Files.createDirectories(files.work());
        assertThat(files.begin(true)).isNull();
        Path older = checkpoint("job-1/chk-9", 1_000_000);
        Path newer = checkpoint("job-2/chk-1", 2_000_000);
        Files.createDirectories(files.checkpoints().resolve("job-2/chk-2")); // not complete

        assertThat(files.begin(true)).isEqualTo(newer.toUri().toString());
        assertThatThrownBy(() -> files.begin(false))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("add --resume to go on, or delete " + files.work());
        assertThat(older).isDirectory();
    }

    @Test
    void whenEveryRowIsAnsweredOnlyTheOutputIsMissing() throws IOException {
        Files.createDirectories(files.completionParts());
        files.begin(false);
        Files.createDirectories(files.completionParts());
        files.markFinished();

        assertThat(files.begin(true)).isNull();
        assertThat(files.isFinished()).isTrue();
        assertThat(files.completionParts()).isDirectory();
        assertThatThrownBy(() -> files.begin(false)).hasMessageContaining("add --resume to go on");
    }

    @Test
    void anotherInputIsntResumed() throws IOException {
        Files.createDirectories(files.work());
        files.begin(false);
        checkpoint("job/chk-1", 1_000_000);
        Files.writeString(input, "{}\n{}\n");

        assertThatThrownBy(() -> files.begin(true))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("the input isn't the one that");
    }

    @Test
    void withoutProgressLeftoversAreDeleted() throws IOException {
        Files.createDirectories(files.completionParts());
        Files.writeString(files.completionParts().resolve("part-0"), "rows of nobody");

        assertThat(files.begin(false)).isNull();
        assertThat(files.completionParts()).doesNotExist();
    }

    private Path checkpoint(String name, long modified) throws IOException {
        Path chk = Files.createDirectories(files.checkpoints().resolve(name));
        assertThat(Files.writeString(chk.resolve("_metadata"), "").toFile().setLastModified(modified))
                .isTrue();
        return chk;
    }
}
