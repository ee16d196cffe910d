package io.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalLong;
import java.util.Set;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionState;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CommitVerdictTest {
    @ParameterizedTest
    @CsvSource({
        "7, 3, ONGOING, OPEN",
        "7, 4, ONGOING, UNKNOWN",
        "7, 3, PREPARE_COMMIT, COMMITTED",
        "7, 3, COMPLETE_COMMIT, COMMITTED",
        "7, 4, COMPLETE_COMMIT, COMMITTED",
        "7, 3, COMPLETE_ABORT, LOST",
        "7, 4, COMPLETE_ABORT, LOST",
        "7, 4, PREPARE_ABORT, LOST",
        "7, 4, PREPARE_EPOCH_FENCE, LOST",
        "7, 5, COMPLETE_COMMIT, UNKNOWN",
        "7, 5, COMPLETE_ABORT, UNKNOWN",
        "7, 2, ONGOING, UNKNOWN",
        "8, 3, ONGOING, UNKNOWN",
        "8, 4, COMPLETE_COMMIT, UNKNOWN",
        "7, 4, EMPTY, UNKNOWN",
        "7, 3, UNKNOWN, UNKNOWN"
    })
    void readsTheBrokersAnswer(long producerId, int epoch, TransactionState state, CommitVerdict expected) {
        TransactionDescription now =
                new TransactionDescription(1, state, producerId, epoch, 1000, OptionalLong.empty(), Set.of());

        assertThat(CommitVerdict.of(7, (short) 3, now)).isEqualTo(expected);
    }
}
