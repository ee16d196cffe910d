package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.flink.streaming.runtime.tasks.StreamTaskActionExecutor;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.MailboxExecutorImpl;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailboxImpl;
import org.junit.jupiter.api.Test;

class MailboxEventsTest {
    private final TaskMailboxImpl mailbox = new TaskMailboxImpl(Thread.currentThread());
    private final MailboxEvents events =
            new MailboxEvents(new MailboxExecutorImpl(mailbox, 0, StreamTaskActionExecutor.IMMEDIATE));
    private final List<Integer> seen = new ArrayList<>();

    @Test
    void manyEventsAreOneMailInOrder() throws Exception {
        for (int i = 0; i < 1000; i++) {
            int value = i;
            events.post(() -> seen.add(value));
        }
        assertThat(mailbox.size()).isEqualTo(1);
        assertThat(seen).isEmpty();
        runMails();
        assertThat(seen).hasSize(1000).isSorted();
        events.post(() -> seen.add(1000));
        assertThat(mailbox.size()).as("a new mail after the first has run").isEqualTo(1);
    }

    @Test
    void drainingBeforeTheMailRunsLosesAndDoublesNothing() throws Exception {
        events.post(() -> seen.add(1));
        events.drain();
        events.post(() -> seen.add(2));
        runMails();
        assertThat(seen).containsExactly(1, 2);
    }

    @Test
    void everyEventOfManyThreadsArrivesOnce() throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            int base = t * 10_000;
            Thread thread = new Thread(() -> {
                for (int i = 0; i < 10_000; i++) {
                    int value = base + i;
                    events.post(() -> seen.add(value));
                }
            });
            threads.add(thread);
            thread.start();
        }
        while (seen.size() < 40_000) {
            mailbox.take(TaskMailbox.MIN_PRIORITY).run();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        runMails();
        assertThat(seen).hasSize(40_000).doesNotHaveDuplicates();
    }

    @Test
    void aClosedMailboxIsNoError() {
        mailbox.quiesce();
        events.post(() -> seen.add(1));
        events.post(() -> seen.add(2));
        assertThat(seen).isEmpty();
    }

    @Test
    void closingDropsWhatIsQueued() throws Exception {
        events.post(() -> seen.add(1));
        events.close();
        events.post(() -> seen.add(2));
        runMails();
        assertThat(seen).isEmpty();
    }

    private void runMails() throws Exception {
        for (Optional<Mail> mail = next(); mail.isPresent(); mail = next()) {
            mail.get().run();
        }
    }

    private Optional<Mail> next() {
        return mailbox.tryTake(TaskMailbox.MIN_PRIORITY);
    }
}
