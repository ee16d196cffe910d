package io.millrace.operators;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.api.common.operators.MailboxExecutor;

/**
 * From the engine's thread into the task's mailbox: a queue and at most one pending mail, so that a step with a thousand tokens
 * costs the mailbox one mail. {@link #post} is for any thread, the rest for the mailbox's.
 */
final class MailboxEvents {
    private final Queue<Runnable> events = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean isMailPending = new AtomicBoolean();
    private final MailboxExecutor mailbox;
    private volatile boolean isClosed;

    MailboxEvents(MailboxExecutor mailbox) {
        this.mailbox = mailbox;
    }

    /** Has an event run in the mailbox, in order. What it throws fails the task. Never blocks. */
    void post(Runnable event) {
        if (isClosed) {
            return;
        }
        events.add(event);
        if (isMailPending.compareAndSet(false, true)) {
            try {
                mailbox.execute(this::drain, "events of the engine");
            } catch (RejectedExecutionException e) {
                isClosed = true; // the task is closing: nobody waits for the answer, the journal has the request
            }
        }
    }

    /** Runs what has been posted until now and what comes meanwhile. */
    void drain() {
        isMailPending.set(false);
        for (Runnable event = events.poll(); event != null; event = events.poll()) {
            event.run();
        }
    }

    /** Drops what is queued and what still comes. */
    void close() {
        isClosed = true;
        events.clear();
    }
}
