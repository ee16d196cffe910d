package io.millrace.job;

import org.apache.kafka.clients.admin.TransactionDescription;

/** What became of a transaction that was written but whose commit nobody saw. */
enum CommitVerdict {
    /** It can still be committed. */
    OPEN,
    /** It is committed. */
    COMMITTED,
    /** The broker aborted it: its records are gone. */
    LOST,
    /** Its id has been used again since, or is forgotten. */
    UNKNOWN;

    /**
     * Reads a broker's answer. The epoch is one higher once the transaction has ended (transaction.version 2, and time-outs of
     * version 1).
     *
     * @param producerId of the transaction in question
     * @param epoch of the transaction in question
     * @param now what the broker knows of its id
     */
    static CommitVerdict of(long producerId, short epoch, TransactionDescription now) {
        boolean isSame = now.producerEpoch() == epoch;
        boolean isEnded = isSame || now.producerEpoch() == epoch + 1;
        if (now.producerId() != producerId || !isEnded) {
            return UNKNOWN;
        }
        return switch (now.state()) {
            case ONGOING -> isSame ? OPEN : UNKNOWN;
            case PREPARE_COMMIT, COMPLETE_COMMIT -> COMMITTED;
            case PREPARE_ABORT, COMPLETE_ABORT, PREPARE_EPOCH_FENCE -> LOST;
            default -> UNKNOWN;
        };
    }
}
