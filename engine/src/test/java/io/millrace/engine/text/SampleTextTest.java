package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.text.SampleText.Appended;
import io.millrace.engine.text.SampleText.Finished;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleTextTest {
    private static final int EOS = 1;
    private static final int END_THINK = 488;

    private final Tokenizer tokenizer = TinyR1.tokenizer();

    /** A finished sample, and what its deltas made together. */
    private record Run(
            Finished finished, String reasoningDeltas, String contentDeltas, int numTokens, boolean isStopped) {}

    private static Run run(SampleText sample, int[] ids) {
        StringBuilder reasoning = new StringBuilder();
        StringBuilder content = new StringBuilder();
        int numTokens = 0;
        boolean isStopped = false;
        while (numTokens < ids.length && !isStopped) {
            Appended appended = sample.append(ids[numTokens++]);
            reasoning.append(appended.reasoningDelta());
            content.append(appended.contentDelta());
            isStopped = appended.isStopped();
        }
        Finished finished = sample.finish();
        reasoning.append(finished.reasoningDelta());
        content.append(finished.contentDelta());
        return new Run(finished, reasoning.toString(), content.toString(), numTokens, isStopped);
    }

    private Run run(List<String> stops, int minTokens, String text) {
        return run(new SampleText(tokenizer, true, stops, Set.of(EOS), minTokens), tokenizer.encode(text, true));
    }

    @Test
    void givesTheTextOfEveryGolden() {
        for (JsonNode line : TinyR1.lines("goldens.jsonl")) {
            int[] ids = TinyR1.ids(line.get("completion_ids"));
            String text = line.get("text").textValue();

            Run run = run(new SampleText(tokenizer, true, List.of(), Set.of(EOS), 0), ids);

            assertThat(run.finished().text()).isEqualTo(text);
            assertThat(run.reasoningDeltas()).isEqualTo(run.finished().reasoning());
            int close = text.indexOf("</think>");
            if (close < 0) {
                assertThat(run.finished().content()).isNull();
                assertThat(run.finished().reasoning()).isEqualTo(text.replaceAll("\n+$", ""));
            } else {
                assertThat(run.finished().reasoning())
                        .isEqualTo(text.substring(0, close).replaceAll("\n+$", ""));
                assertThat(run.contentDeltas())
                        .isEqualTo(run.finished().content())
                        .isEqualTo(text.substring(close + 8).replaceAll("^\n+", ""));
                assertThat(ids[run.finished().reasoningTokens() - 1]).isEqualTo(END_THINK);
            }
        }
    }

    @Test
    void aStopStringMayStartInsideATokenAndSpanSeveral() {
        Run run = run(List.of("re second"), 0, "the answer is more seconds</think>x");

        assertThat(run.isStopped()).isTrue();
        assertThat(run.finished().text()).isEqualTo("the answer is mo");
        assertThat(run.finished().reasoning()).isEqualTo("the answer is mo");
        assertThat(run.finished().content()).isNull();
        assertThat(run.finished().reasoningTokens()).isEqualTo(run.numTokens());
    }

    @Test
    void theCloseTagCanBeAStopString() {
        Run run = run(List.of("</think>"), 0, "abc\n</think>\n\nx");

        assertThat(run.finished().text()).isEqualTo("abc\n");
        assertThat(run.finished().reasoning()).isEqualTo("abc");
        assertThat(run.finished().content()).isNull();
    }

    @Test
    void aStopStringMayReachAcrossTheCloseTag() {
        Run run = run(List.of("k>\n\nx"), 0, "abc</think>\n\nx");
        Run almost = run(List.of("k>\n\nx"), 0, "abc</think>\n\ny");

        assertThat(run.finished().text()).isEqualTo("abc</thin");
        assertThat(run.finished().content()).isNull();
        assertThat(almost.finished().reasoning()).isEqualTo("abc");
        assertThat(almost.finished().content()).isEqualTo("y");
        assertThat(almost.finished().reasoningTokens()).isEqualTo(tokenizer.encode("abc</think>", true).length);
    }

    @Test
    void aStopStringDoesNotCountBeforeMinTokens() {
        String text = "1x2x3x"; // a token each

        assertThat(run(List.of("x"), 0, text).finished().text()).isEqualTo("1");
        assertThat(run(List.of("x"), 1, text).finished().text()).isEqualTo("1");
        assertThat(run(List.of("x"), 2, text).finished().text()).isEqualTo("1x2");
        assertThat(run(List.of("x"), 6, text).finished().text()).isEqualTo(text);
        assertThat(run(List.of("x2x"), 3, text).finished().text()).isEqualTo("1"); // it ends behind them
    }

    @Test
    void refusesTokensAfterAStopString() {
        SampleText sample = new SampleText(tokenizer, false, List.of("a"), Set.of(EOS), 0);
        int a = tokenizer.encode("a", false)[0];
        sample.append(a);

        assertThatThrownBy(() -> sample.append(a)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void agreesWithTheWholeTextOnRandomTokens(@TempDir Path folder) throws IOException {
        Tokenizer withoutTags = withoutTags(folder);
        List<String> units = List.of("<think>", "</think>", "\n", "\n", "a", "b", " ", "😀", "é", "</th", "think>");
        SplittableRandom random = new SplittableRandom(17);
        for (int round = 0; round < 20_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(14); i > 0; i--) {
                text.append(units.get(random.nextInt(units.size())));
            }
            List<String> stops = new ArrayList<>();
            for (int i = random.nextInt(3); i > 0; i--) {
                String all = text + "ab\n";
                int from = all.offsetByCodePoints(0, random.nextInt(all.codePointCount(0, all.length())));
                int to = all.offsetByCodePoints(
                        from, 1 + random.nextInt(Math.min(6, all.codePointCount(from, all.length()))));
                stops.add(all.substring(from, to));
            }
            boolean startsInside = random.nextBoolean();
            Tokenizer used = random.nextBoolean() ? tokenizer : withoutTags;
            int[] ids = used.encode(text.toString(), true);

            Run run = run(new SampleText(used, startsInside, stops, Set.of(EOS), 0), ids);

            String cut = cut(text.toString(), stops);
            assertThat(run.finished().text()).as("%s %s", text, stops).isEqualTo(cut);
            assertSplit(run, startsInside, cut);
        }
    }

    /** Looks at every end of the text, from the left. */
    private static String cut(String all, List<String> stops) {
        for (int end = 1; end <= all.length(); end++) {
            String until = all.substring(0, end);
            int longest = stops.stream()
                    .filter(until::endsWith)
                    .mapToInt(String::length)
                    .max()
                    .orElse(0);
            if (longest > 0) {
                return until.substring(0, end - longest);
            }
        }
        return all;
    }

    /** The split rule on the whole text. */
    private static void assertSplit(Run run, boolean startsInside, String text) {
        boolean isOpen = text.stripLeading().startsWith("<think>");
        String inside = isOpen ? text.stripLeading().substring(7) : text;
        String reasoning = null;
        String content = text;
        if (isOpen || startsInside) {
            int close = inside.indexOf("</think>");
            reasoning = close < 0 ? inside : inside.substring(0, close);
            reasoning = reasoning.replaceAll("^\n+|\n+$", "");
            content = close < 0 ? null : inside.substring(close + 8).replaceAll("^\n+", "");
        }
        assertThat(run.finished().reasoning()).as(text).isEqualTo(reasoning);
        assertThat(run.finished().content()).as(text).isEqualTo(content);
        assertThat(run.reasoningDeltas()).isEqualTo(reasoning == null ? "" : reasoning);
        assertThat(run.contentDeltas()).isEqualTo(content == null ? "" : content);
    }

    /** The shipped tokenizer without the two tags, as DeepSeek-V3's. */
    private static Tokenizer withoutTags(Path folder) throws IOException {
        ObjectNode json =
                (ObjectNode) TinyR1.MAPPER.readTree(Files.readString(TinyR1.TOKENIZER_JSON, StandardCharsets.UTF_8));
        ArrayNode added = (ArrayNode) json.get("added_tokens");
        for (int i = added.size() - 1; i >= 0; i--) {
            if (added.get(i).get("content").textValue().endsWith("think>")) {
                added.remove(i);
            }
        }
        Path file = folder.resolve("tokenizer.json");
        Files.writeString(file, json.toString(), StandardCharsets.UTF_8);
        return Tokenizer.load(file);
    }
}
