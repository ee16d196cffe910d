package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Asks a command, by {@code sh -c}. Its stdin is one JSON object: {@code id, prompt, reasoning, completion, answer, row}; exit code 0
 * means correct, any other one wrong, and so does running out of time. What it prints goes nowhere.
 */
final class CommandVerifier implements Verifier {
    private static final int CANT_RUN = 126;
    private static final int NOT_FOUND = 127;

    private final String command;
    private final Duration timeout;

    /**
     * Makes one.
     *
     * @param timeout after which the command and its children are killed
     */
    CommandVerifier(String command, Duration timeout) {
        this.command = command;
        this.timeout = timeout;
    }

    @Override
    public Verdict check(Question question, Sample sample) {
        try {
            Path stdin = Files.createTempFile("millrace-verify-", ".json"); // a pipe could fill up and block
            try {
                Files.write(stdin, input(question, sample));
                return verdict(stdin);
            } finally {
                Files.delete(stdin);
            }
        } catch (IOException e) {
            throw new ConfigException("--verify exec:" + command + " can't be run: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Verdict.wrong("the run ended");
        }
    }

    private Verdict verdict(Path stdin) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(List.of("/bin/sh", "-c", command))
                .redirectInput(stdin.toFile())
                .redirectOutput(Redirect.DISCARD)
                .redirectError(Redirect.DISCARD)
                .start();
        try {
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                return Verdict.wrong("the command took more than " + timeout.toMillis() + " ms");
            }
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        int code = process.exitValue();
        if (code == CANT_RUN || code == NOT_FOUND) {
            throw new ConfigException(
                    "--verify exec:" + command + " ended with " + code + ": the shell can't find or run it");
        }
        return code == 0 ? Verdict.CORRECT : Verdict.wrong("the command ended with " + code);
    }

    private static byte[] input(Question question, Sample sample) throws IOException {
        ObjectNode json = RowJson.MAPPER.createObjectNode();
        json.put("id", question.id());
        json.put("prompt", question.prompt());
        json.put("reasoning", sample.reasoning());
        json.put("completion", sample.completion());
        json.put("answer", question.answer());
        json.set("row", question.columns());
        return RowJson.MAPPER.writeValueAsBytes(json);
    }
}
