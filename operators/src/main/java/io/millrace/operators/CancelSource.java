package io.millrace.operators;

import java.io.Serializable;
import java.util.function.Consumer;

/**
 * Where cancels come from; travels with the job graph. They are no input of the operator: a cancel has to reach a request in every
 * subtask, also while the operator waits for a free place. Any thread.
 */
@FunctionalInterface
public interface CancelSource extends Serializable {
    /** Nobody cancels. */
    CancelSource NONE = onCancel -> Subscription.NONE;

    /**
     * Begins to listen.
     *
     * @param onCancel takes the id of every request that is cancelled from now on; on a thread of the source's, must not block
     */
    Subscription subscribe(Consumer<String> onCancel);

    /** What a listener holds. */
    interface Subscription extends AutoCloseable {
        /** Of {@link CancelSource#NONE}. */
        Subscription NONE = new Subscription() {
            @Override
            public boolean isCancelled(String id, long publishedMillis) {
                return false;
            }

            @Override
            public void close() {}
        };

        /**
         * Returns whether a request has been cancelled before it came.
         *
         * @param publishedMillis since the epoch; negative = unknown
         */
        boolean isCancelled(String id, long publishedMillis);

        @Override
        void close();
    }
}
