package io.millrace.engine.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StepGraphsTest {
    @Test
    void bucketsGrowByPowersOfTwoThenByEights() {
        assertThat(IntStream.of(0, 1, 2, 3, 5, 8, 9, 16, 17, 255, 256)
                        .map(rows -> StepGraphs.bucket(rows, 1000))
                        .toArray())
                .containsExactly(1, 1, 2, 4, 8, 8, 16, 16, 24, 256, 256);
    }

    @Test
    void theLastBucketHasTheMostRows() {
        assertThat(StepGraphs.bucket(9, 12)).isEqualTo(12);
        assertThat(StepGraphs.bucket(3, 3)).isEqualTo(3);
    }
}
