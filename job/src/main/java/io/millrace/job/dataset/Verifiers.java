package io.millrace.job.dataset;

import io.millrace.engine.ConfigException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** {@code --verify} to a verifier. */
final class Verifiers {
    private Verifiers() {}

    /**
     * Reads the option.
     *
     * @param text null = every sample is taken
     * @param timeout of a command
     * @throws ConfigException if it is none of the four forms, or what follows is wrong
     */
    static Verifier of(@Nullable String text, Duration timeout) {
        if (text == null) {
            return Verifier.NONE;
        }
        if (text.equals("boxed")) {
            return new ExtractedAnswer("\\boxed{…}", AnswerText::lastBoxed);
        }
        int colon = text.indexOf(':');
        String rest = text.substring(colon + 1);
        String kind = colon < 0 || rest.isEmpty() ? "" : text.substring(0, colon);
        return switch (kind) {
            case "regex" -> regex(rest);
            case "json-schema" -> new SchemaVerifier(Path.of(rest));
            case "exec" -> new CommandVerifier(rest, timeout);
            default ->
                throw new ConfigException("--verify is \"" + text
                        + "\" but must be boxed, regex:PATTERN, json-schema:FILE or exec:COMMAND");
        };
    }

    /**
     * Checks the option where its file may not be: a task that refuses to start would be tried again and again.
     *
     * @throws ConfigException as {@link #of}, but for the schema
     */
    static void checkForm(@Nullable String text) {
        if (text == null || !text.startsWith("json-schema:")) {
            of(text, Duration.ofSeconds(1));
        }
    }

    /** The last match counts; its first group, if there is one. */
    private static Verifier regex(String text) {
        Pattern pattern;
        try {
            pattern = Pattern.compile(text);
        } catch (PatternSyntaxException e) {
            throw new ConfigException(
                    "--verify regex:" + text + ", character " + (e.getIndex() + 1) + ": " + e.getDescription(), e);
        }
        return new ExtractedAnswer("match of " + text, completion -> {
            String last = null;
            for (Matcher m = pattern.matcher(completion); m.find(); ) {
                String group = m.groupCount() > 0 ? m.group(1) : m.group();
                last = group == null ? last : group;
            }
            return last;
        });
    }
}
