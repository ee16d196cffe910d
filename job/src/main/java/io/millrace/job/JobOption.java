package io.millrace.job;

import io.millrace.engine.ConfigException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One option: {@code --name VALUE} on the command line, {@code name: VALUE} in a configuration file.
 *
 * @param name lower case with hyphens, vLLM's where vLLM has one
 * @param alias second name on the command line, null = none
 * @param group what it belongs to; the command line offers groups
 * @param defaultText default as one would write it; empty = not set
 * @param unit what the value counts or is, for help texts
 * @param help one sentence
 * @param parser text to value; an {@link IllegalArgumentException} says what is allowed
 * @param <T> type of the value
 */
public record JobOption<T>(
        String name,
        @Nullable String alias,
        Group group,
        String defaultText,
        String unit,
        String help,
        Function<String, T> parser) {

    /** What an option belongs to. */
    public enum Group {
        /** Topics, offsets, transactions. */
        KAFKA,
        /** Checkpoints, parallelism. */
        FLINK,
        /** Model and back end, batch and memory sizes. */
        ENGINE,
        /** Bounds of one request and of those in flight. */
        REQUESTS,
        /** What a request gets that doesn't say. */
        SAMPLING
    }

    private static final Pattern BYTES = Pattern.compile("(\\d{1,18})\\s*(|k|m|g|t)(i?b)?");
    private static final Pattern DURATION = Pattern.compile("(\\d{1,12})\\s*(ms|s|min|m|h|d)");

    /** Returns this option with a second name. */
    JobOption<T> withAlias(String otherName) {
        return new JobOption<>(name, otherName, group, defaultText, unit, help, parser);
    }

    /**
     * Parses a value.
     *
     * @param origin where it was written, for the message
     * @throws ConfigException naming the option, the value, what is allowed, and the origin
     */
    T parse(String text, String origin) {
        try {
            return parser.apply(text.strip());
        } catch (IllegalArgumentException e) {
            throw new ConfigException(name + " is \"" + text + "\" (" + origin + ") but must be " + e.getMessage(), e);
        }
    }

    static JobOption<String> text(String name, Group group, String defaultText, String unit, String help) {
        return new JobOption<>(name, null, group, defaultText, unit, help, Function.identity());
    }

    static JobOption<String> choice(String name, Group group, String help, String... choices) {
        String allowed = String.join(" or ", choices);
        return new JobOption<>(name, null, group, choices[0], allowed, help, text -> {
            if (!Arrays.asList(choices).contains(text)) {
                throw new IllegalArgumentException(allowed);
            }
            return text;
        });
    }

    static JobOption<Boolean> flag(String name, Group group, String help) {
        return new JobOption<>(name, null, group, "false", "true or false", help, text -> switch (text) {
            case "true", "on" -> true;
            case "false", "off" -> false;
            default -> throw new IllegalArgumentException("true or false");
        });
    }

    /** A switch that is on unless turned off. YAML reads {@code on} and {@code off} as true and false. */
    static JobOption<Boolean> onOff(String name, Group group, String help) {
        return new JobOption<>(name, null, group, "on", "on or off", help, text -> switch (text) {
            case "true", "on" -> true;
            case "false", "off" -> false;
            default -> throw new IllegalArgumentException("on or off");
        });
    }

    static JobOption<Integer> integer(
            String name, Group group, String defaultText, String unit, int low, int high, String help) {
        return new JobOption<>(name, null, group, defaultText, unit, help, text -> (int) inRange(text, low, high));
    }

    static JobOption<Long> integer64(String name, Group group, String defaultText, String unit, String help) {
        return new JobOption<>(
                name, null, group, defaultText, unit, help, text -> inRange(text, Long.MIN_VALUE, Long.MAX_VALUE));
    }

    static JobOption<Double> number(String name, Group group, String unit, String help) {
        return new JobOption<>(name, null, group, "", unit, help, text -> {
            try {
                return Double.valueOf(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("a number", e);
            }
        });
    }

    static JobOption<Long> bytes(String name, Group group, String defaultText, long low, long high, String help) {
        return new JobOption<>(name, null, group, defaultText, "bytes, or 64 KiB, 8 MiB, 2 GiB", help, text -> {
            Matcher m = BYTES.matcher(text.toLowerCase(Locale.ROOT));
            if (!m.matches()) {
                throw new IllegalArgumentException("a number of bytes such as 1048576, 64 KiB, 8 MiB, 2 GiB");
            }
            int shift = 10 * (m.group(2).isEmpty() ? 0 : "kmgt".indexOf(m.group(2)) + 1);
            long count = inRange(m.group(1), 0, Long.MAX_VALUE >> shift);
            return inRange(Long.toString(count << shift), low, high);
        });
    }

    static JobOption<Duration> duration(String name, Group group, String defaultText, Duration least, String help) {
        return new JobOption<>(name, null, group, defaultText, "500 ms, 10 s, 15 min, 2 h", help, text -> {
            Matcher m = DURATION.matcher(text);
            if (!m.matches()) {
                throw new IllegalArgumentException("a time such as 500 ms, 10 s, 15 min, 2 h");
            }
            long count = Long.parseLong(m.group(1));
            Duration d = switch (m.group(2)) {
                case "ms" -> Duration.ofMillis(count);
                case "s" -> Duration.ofSeconds(count);
                case "h" -> Duration.ofHours(count);
                case "d" -> Duration.ofDays(count);
                default -> Duration.ofMinutes(count);
            };
            if (d.compareTo(least) < 0) {
                throw new IllegalArgumentException("at least " + least.toMillis() + " ms");
            }
            return d;
        });
    }

    private static long inRange(String text, long low, long high) {
        long v;
        try {
            v = Long.parseLong(text.replace("_", ""));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("a whole number", e);
        }
        if (v < low || v > high) {
            throw new IllegalArgumentException(
                    high >= Integer.MAX_VALUE ? "at least " + low : "from " + low + " to " + high);
        }
        return v;
    }
}
