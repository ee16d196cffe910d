package io.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PositionTest {
    @Test
    void aTopicMayHoldHyphens() {
        Position p = Position.parse("my-2-topic-3-999999999999999999");

        assertThat(p).isEqualTo(new Position("my-2-topic", 3, 999_999_999_999_999_999L));
        assertThat(p).hasToString("my-2-topic-3-999999999999999999");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-",
                "--",
                "t",
                "t-1",
                "-1-2",
                "t-1-",
                "t--2",
                "t-a-2",
                "t-1-2x",
                "t-9999999999-1",
                "t-1-9999999999999999999",
                "f.jsonl:7"
            })
    void everythingElseIsNone(String text) {
        assertThat(Position.parse(text)).isNull();
    }

    @Test
    void aSetTakesWhatLiesBetweenBeginAndEnd() {
        TopicPartition t0 = new TopicPartition("t", 0);
        OffsetSet set = new OffsetSet(Map.of(t0, 5_000_000_000L), Map.of(t0, 5_000_000_010L));

        assertThat(set.add(new Position("t", 0, 4_999_999_999L))).isFalse();
        assertThat(set.add(new Position("t", 0, 5_000_000_010L))).isFalse();
        assertThat(set.add(new Position("t", 1, 5_000_000_000L))).isFalse();
        assertThat(set.add(new Position("t", 0, 5_000_000_009L))).isTrue();
        assertThat(set.add(new Position("t", 0, 5_000_000_009L))).isFalse();

        assertThat(set.contains(new Position("t", 0, 5_000_000_009L))).isTrue();
        assertThat(set.contains(new Position("t", 0, 5_000_000_008L))).isFalse();
        assertThat(set.contains(new Position("t", 0, 0))).isFalse();
        assertThat(set.contains(new Position("u", 0, 5_000_000_009L))).isFalse();
    }
}
