package io.millrace.engine.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.Backends;
import io.millrace.kernels.DType;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.ParallelPlan;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

class RankGroupTest {
    private static RankGroup open() {
        return RankGroup.open(Backends.named("cpu", 1), new ParallelPlan(3, 1, false));
    }

    @Test
    void everyRankRunsOnAThreadOfItsOwn() {
        try (RankGroup group = open()) {
            assertThat(group.onEachRank(rank -> Thread.currentThread().getName()))
                    .containsExactly("millrace-rank-0", "millrace-rank-1", "millrace-rank-2");
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(t -> t.getName().startsWith("millrace-rank-"));
    }

    @Test
    void aRankThatFailsEndsTheOthersWaitAndIsTheOneThatIsReported() {
        Queue<String> others = new ConcurrentLinkedQueue<>();
        try (RankGroup group = open()) {
            assertThatThrownBy(() -> group.onEachRank(rank -> {
                        if (rank.index() == 1) {
                            throw new IllegalStateException("rank 1 is broken");
                        }
                        try {
                            rank.collective().allReduce(rank.device().allocate(DType.F32, 1, 1));
                        } catch (DeviceException e) {
                            others.add(e.getMessage());
                            throw e;
                        }
                        return null;
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("rank 1 is broken");
            assertThat(others).hasSize(2).allMatch(message -> message.contains("another rank failed"));
        }
    }
}
