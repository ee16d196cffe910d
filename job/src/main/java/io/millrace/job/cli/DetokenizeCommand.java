package io.millrace.job.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.ConfigException;
import io.millrace.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Token ids on stdin, one JSON array a line, to texts. */
@Command(
        name = "detokenize",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Reads JSON arrays of token ids, one a line, from stdin; prints JSON objects with \"text\", as tokenize reads them.",
            "Incomplete UTF-8 becomes U+FFFD."
        })
final class DetokenizeCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Mixin
    private Terminal terminal = new Terminal();

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "Folder with a tokenizer.json. Default: the shipped model.")
    private @Nullable Path model;

    @Option(names = "--plain", description = "Print the texts themselves, one a line.")
    private boolean isPlain;

    @Override
    public Integer call() throws IOException {
        Path folder = model != null ? model : Home.tinyR1();
        Tokenizer tokenizer = Tokenizer.load(folder.resolve("tokenizer.json"));
        try (StdinLines in = new StdinLines()) {
            for (String line = in.next(); line != null; line = in.next()) {
                if (line.isBlank()) {
                    continue;
                }
                String text = tokenizer.decode(parse(line, in.number(), tokenizer.numTokens()));
                terminal.row(
                        isPlain
                                ? text
                                : JSON.createObjectNode().put("text", text).toString());
            }
        }
        terminal.flush();
        return Main.DONE;
    }

    private static int[] parse(String line, long number, int numTokens) {
        int[] ids;
        try {
            ids = JSON.readValue(line, int[].class);
        } catch (IOException e) {
            throw new ConfigException("line " + number + " is no JSON array of token ids", e);
        }
        for (int id : ids) {
            if (id < 0 || id >= numTokens) {
                throw new ConfigException(
                        "line " + number + " has id " + id + " but the tokenizer's go from 0 to " + (numTokens - 1));
            }
        }
        return ids;
    }
}
