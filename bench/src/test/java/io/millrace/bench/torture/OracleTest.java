package io.millrace.bench.torture;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OracleTest {
    @TempDir
    Path folder;

    private static String completion(String id, String content, String source, int resumed, long created) {
        return "{\"id\":\"" + id + "\",\"object\":\"chat.completion\",\"created\":" + created
                + ",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""
                + content
                + "\"},\"finish_reason\":\"stop\"}],\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":2,"
                + "\"completion_tokens\":5,\"total_tokens\":7},\"provenance\":{\"model\":\"m\",\"seed\":1,\"resumed\":"
                + resumed + ",\"source\":\"" + source + "\"}}";
    }

    private Oracle oracle() throws IOException {
        Path file = folder.resolve("undisturbed.jsonl");
        Files.writeString(
                file,
                completion("a", "one", "f:1", 0, 1) + "\n" + completion("b", "two", "f:2", 0, 1) + "\n"
                        + completion("c", "three", "f:3", 0, 1) + "\n");
        return new Oracle(file);
    }

    @Test
    void whatMayDifferIsNoChange() throws IOException {
        Oracle oracle = oracle();
        oracle.completion(completion("a", "one", "topic-0-7", 4, 9).getBytes(UTF_8));
        assertThat(oracle.numChanged()).isZero();
        assertThat(oracle.numLost()).isEqualTo(2);
        assertThat(oracle.resumedTokens()).isEqualTo(4);
        assertThat(oracle.completionTokens()).isEqualTo(5);
    }

    @Test
    void seesWhatIsChangedDoubledLostOrUnknown() throws IOException {
        Oracle oracle = oracle();
        oracle.completion(completion("a", "one!", "topic-0-7", 0, 1).getBytes(UTF_8));
        oracle.completion(completion("b", "two", "topic-0-8", 0, 1).getBytes(UTF_8));
        oracle.completion(completion("b", "two", "topic-0-8", 0, 1).getBytes(UTF_8));
        assertThat(oracle.numChanged()).isEqualTo(1);
        assertThat(oracle.numDoubled()).isEqualTo(1);
        assertThat(oracle.numLost()).isEqualTo(1);
        oracle.completion(completion("stranger", "two", "topic-0-9", 0, 1).getBytes(UTF_8));
        oracle.deadLetter("c");
        assertThat(oracle.numChanged()).isEqualTo(3);
    }
}
