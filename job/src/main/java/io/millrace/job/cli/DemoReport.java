package io.millrace.job.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.WireException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a demo found out.
 *
 * @param tally what came back
 * @param busySeconds from the engine's first step to its last
 * @param numKills how often the task manager was killed
 * @param regeneratedTokens tokens drawn that are in no completion: those drawn after the last checkpoint before a kill, and drawn again
 * @param numChanged completions that differ from an undisturbed run's; null = not compared
 */
record DemoReport(
        DemoTally tally,
        double busySeconds,
        int numKills,
        long regeneratedTokens,
        @Nullable Integer numChanged) {

    /** Returns this report with the completions compared to another run's. */
    DemoReport comparedWith(DemoReport undisturbed) {
        int changed = 0;
        for (Map.Entry<String, byte[]> e : tally.completions().entrySet()) {
            byte[] other = undisturbed.tally.completions().get(e.getKey());
            changed += other == null || !Arrays.equals(comparable(e.getValue()), comparable(other)) ? 1 : 0;
        }
        return new DemoReport(tally, busySeconds, numKills, regeneratedTokens, changed);
    }

    private static byte[] comparable(byte[] completion) {
        try {
            return CompletionJson.comparable(completion);
        } catch (WireException e) {
            throw new IllegalStateException("a completion can't be read: " + e.getMessage(), e);
        }
    }

    /** Writes completions.jsonl and dead-letters.jsonl, in the order of ids. */
    void write(Path folder) throws IOException {
        write(folder.resolve("completions.jsonl"), tally.completions());
        if (tally.numDeadLetters() > 0) {
            write(folder.resolve("dead-letters.jsonl"), tally.deadLetters());
        }
    }

    private static void write(Path file, Map<String, byte[]> rows) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            for (byte[] row : rows.values()) {
                out.write(row);
                out.write('\n');
            }
        }
    }

    private double accuracy() {
        return (double) tally.numCorrect() / tally.numRequests();
    }

    private double tokensPerSecond() {
        return busySeconds <= 0 ? 0 : tally.completionTokens() / busySeconds;
    }

    /** Prints it, for people or as one JSON object on the last line. */
    void print(Terminal terminal, Path folder) {
        if (terminal.isJson()) {
            terminal.result(json().toString());
            return;
        }
        terminal.say("");
        terminal.say(String.format(
                Locale.ROOT,
                "%,d prompts: %,d answered, %,d dead letters, %,d lost, %,d twice",
                tally.numRequests(),
                tally.numCompletions(),
                tally.numDeadLetters(),
                tally.numLost(),
                tally.numDuplicated()));
        terminal.say(String.format(Locale.ROOT, "%,d right: accuracy %.1f %%", tally.numCorrect(), 100 * accuracy()));
        terminal.say(String.format(
                Locale.ROOT,
                "%,d tokens in %.1f s: %,.0f tok/s, time to first token %.0f ms (median, all prompts sent at once)",
                tally.completionTokens(),
                busySeconds,
                tokensPerSecond(),
                tally.ttftP50Ms()));
        if (numKills > 0) {
            terminal.say(String.format(
                    Locale.ROOT,
                    "%d kills: %,d tokens kept over them, %,d drawn again; %d completions differ from the undisturbed run",
                    numKills,
                    tally.resumedTokens(),
                    regeneratedTokens,
                    numChanged == null ? 0 : numChanged));
        }
        terminal.say("completions: " + folder.resolve("completions.jsonl"));
    }

    private ObjectNode json() {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.put("requests", tally.numRequests());
        json.put("completions", tally.numCompletions());
        json.put("dead_letters", tally.numDeadLetters());
        json.put("lost", tally.numLost());
        json.put("duplicated", tally.numDuplicated());
        json.put("accuracy", accuracy());
        json.put("tokens_per_second", tokensPerSecond());
        json.put("ttft_p50_ms", Double.isNaN(tally.ttftP50Ms()) ? null : tally.ttftP50Ms());
        json.put("resumed_tokens", tally.resumedTokens());
        json.put("regenerated_tokens", regeneratedTokens);
        if (numChanged != null) {
            json.put("kills", numKills);
            json.put("changed", numChanged);
        }
        return json;
    }

    /** Returns 1 if a completion is lost, doubled or changed, 3 if there are dead letters. */
    int exitCode() {
        if (tally.numLost() > 0 || tally.numDuplicated() > 0 || (numChanged != null && numChanged > 0)) {
            return Main.FAILED;
        }
        return tally.numDeadLetters() > 0 ? Main.SOME_REJECTED : Main.DONE;
    }
}
