package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each case by text and by id, whole and cut into bits of every length. Backslash n is a newline; "-" is null, "''" empty. */
class ReasoningSplitterTest {
    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "true,  'a</think>b',                  'a',         'b'",
                "true,  '\\na\\n\\n</think>\\n\\nb\\n', 'a',         'b\\n'",
                "true,  '<think>\\na</think>b',        'a',         'b'",
                "true,  '\\n <think>\\na</think>b',    'a',         'b'",
                "true,  '<think><think>a</think>b',    '<think>a',  'b'",
                "true,  'a<think>b</think>c',          'a<think>b', 'c'",
                "true,  'a</think>b</think>c',         'a',         'b</think>c'",
                "true,  '</think>b',                   '',          'b'",
                "true,  '\\n</think>\\n',              '',          ''",
                "true,  'a</think>',                   'a',         ''",
                "true,  'a\\n\\nb\\n',                 'a\\n\\nb',  -",
                "true,  '  a',                         '  a',       -",
                "true,  '',                            '',          -",
                "true,  '\\n',                         '',          -",
                "true,  'a\\r\\n</think>\\r\\nb',      'a',         'b'",
                "false, '<think>\\na\\n</think>\\nb',  'a',         'b'",
                "false, ' \\n<think>a',                'a',         -",
                "false, '\\na</think>b',               -,           '\\na</think>b'",
                "false, 'a<think>b',                   -,           'a<think>b'",
                "false, '</think>b',                   -,           '</think>b'",
                "false, '',                            -,           ''",
                "false, ' ',                           -,           ' '",
            })
    void splits(boolean startsInside, String text, String reasoning, String content) {
        String all = newlines(text);
        for (boolean isById : new boolean[] {true, false}) {
            for (int length = 1; length <= all.length() + 1; length++) {
                check(split(startsInside, isById, all, length), newlines(reasoning), newlines(content));
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "true,  'a</thin',  'a</thin', -",
                "true,  'a</think', 'a</think', -",
                "true,  '<thin',    '<thin',   -",
                "false, '<thin',    -,         '<thin'",
                "true,  'a</</think>b', 'a</', 'b'",
            })
    void anIncompleteTagIsText(boolean startsInside, String text, String reasoning, String content) {
        for (int length = 1; length <= text.length(); length++) {
            check(split(startsInside, false, text, length), reasoning, content);
        }
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void byIdTextThatLooksLikeATagIsText(boolean startsInside) {
        ReasoningSplitter splitter = new ReasoningSplitter(startsInside, true);
        splitter.append("<think>a</think>b");
        splitter.finish();

        assertThat(startsInside ? splitter.reasoning() : splitter.content()).isEqualTo("<think>a</think>b");
        assertThat(startsInside ? splitter.content() : splitter.reasoning()).isNull();
    }

    private static String newlines(String text) {
        return text == null ? null : text.replace("\\n", "\n").replace("\\r", "\r");
    }

    private static ReasoningSplitter split(boolean startsInside, boolean isById, String text, int length) {
        ReasoningSplitter splitter = new ReasoningSplitter(startsInside, isById);
        if (isById && text.contains("<think>")) {
            splitter.openAt(text.indexOf("<think>"));
        }
        if (isById && text.contains("</think>")) {
            splitter.closeAt(text.indexOf("</think>"));
        }
        List<String> reasoning = new ArrayList<>();
        List<String> content = new ArrayList<>();
        for (int i = 0; i < text.length(); i += length) {
            splitter.append(text.substring(i, Math.min(text.length(), i + length)));
            reasoning.add(splitter.takeReasoning());
            content.add(splitter.takeContent());
        }
        splitter.finish();
        assertThat(String.join("", reasoning) + splitter.takeReasoning())
                .isEqualTo(splitter.reasoning() == null ? "" : splitter.reasoning());
        assertThat(String.join("", content) + splitter.takeContent())
                .isEqualTo(splitter.content() == null ? "" : splitter.content());
        return splitter;
    }

    private static void check(ReasoningSplitter splitter, String reasoning, String content) {
        assertThat(splitter.reasoning()).isEqualTo(reasoning);
        assertThat(splitter.content()).isEqualTo(content);
    }
}
