package io.millrace.job.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.ChatMessage;
import io.millrace.engine.ConfigException;
import io.millrace.engine.text.ChatTemplate;
import io.millrace.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Texts on stdin to token ids, one JSON array a line. */
@Command(
        name = "tokenize",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Reads JSON objects with \"text\", one a line, from stdin; prints a JSON array of token ids a line.",
            "No begin-of-sentence token is added; added tokens such as <think> in the text are recognised."
        })
final class TokenizeCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Mixin
    private Terminal terminal = new Terminal();

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "Folder with a tokenizer.json. Default: the shipped model.")
    private @Nullable Path model;

    @Option(names = "--plain", description = "Lines are texts, not JSON.")
    private boolean isPlain;

    @Option(names = "--no-special", description = "Added tokens in the text are plain text.")
    private boolean isNoSpecial;

    @Option(
            names = "--chat",
            description =
                    "Apply the chat template to \"messages\" (or to \"text\" as one user turn); needs tokenizer_config.json.")
    private boolean isChat;

    @Override
    public Integer call() throws IOException {
        Path folder = model != null ? model : Home.tinyR1();
        Tokenizer tokenizer = Tokenizer.load(folder.resolve("tokenizer.json"));
        ChatTemplate template = isChat ? ChatTemplate.of(tokenizer, folder.resolve("tokenizer_config.json")) : null;
        try (StdinLines in = new StdinLines()) {
            for (String line = in.next(); line != null; line = in.next()) {
                if (!isPlain && line.isBlank()) {
                    continue;
                }
                JsonNode json = isPlain ? JSON.createObjectNode().put("text", line) : parse(line, in.number());
                int[] ids = template != null
                        ? template.render(messages(json, in.number()))
                        : tokenizer.encode(text(json, in.number()), !isNoSpecial);
                terminal.row(Arrays.toString(ids));
            }
        }
        terminal.flush();
        return Main.DONE;
    }

    private static JsonNode parse(String line, long number) {
        try {
            JsonNode json = JSON.readTree(line);
            if (json.isObject()) {
                return json;
            }
        } catch (IOException e) {
            throw new ConfigException("line " + number + " is no JSON object: give --plain for plain text", e);
        }
        throw new ConfigException("line " + number + " is no JSON object: give --plain for plain text");
    }

    private static String text(JsonNode json, long number) {
        if (!json.path("text").isTextual()) {
            throw new ConfigException("line " + number + " has no string \"text\"");
        }
        return json.path("text").textValue();
    }

    private static List<ChatMessage> messages(JsonNode json, long number) {
        if (!json.path("messages").isArray()) {
            return List.of(new ChatMessage(ChatMessage.Role.USER, text(json, number)));
        }
        List<ChatMessage> messages = new ArrayList<>();
        for (JsonNode m : json.path("messages")) {
            String role = m.path("role").asText();
            try {
                messages.add(new ChatMessage(
                        ChatMessage.Role.valueOf(role.toUpperCase(Locale.ROOT)),
                        m.path("content").asText()));
            } catch (IllegalArgumentException e) {
                throw new ConfigException(
                        "line " + number + ": role is \"" + role + "\" but must be system, user or assistant", e);
            }
        }
        return messages;
    }
}
