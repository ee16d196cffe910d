package io.millrace.operators;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;

/** One subtask of the operator over a fake engine; the test's thread is the mailbox's. */
final class OperatorHarness implements AutoCloseable {
    static final int MAX_PARALLELISM = 8;

    final OneInputStreamOperatorTestHarness<WireRecord, WireRecord> flink;

    OperatorHarness(FakeEngine engine, BatchSettings settings) throws Exception {
        this(() -> engine, settings, 1, 0);
    }

    OperatorHarness(Supplier<FakeEngine> engine, BatchSettings settings, int parallelism, int index) throws Exception {
        FakeSource source = FakeSource.of("harness-" + index, engine);
        flink = new OneInputStreamOperatorTestHarness<>(
                new ContinuousBatchOperatorFactory(settings, source), MAX_PARALLELISM, parallelism, index);
        flink.setup(TypeInformation.of(WireRecord.class).createSerializer(new SerializerConfigImpl()));
    }

    OperatorHarness open() throws Exception {
        flink.open();
        return this;
    }

    OperatorHarness restore(OperatorSubtaskState state) throws Exception {
        flink.initializeState(state);
        flink.open();
        return this;
    }

    void send(WireRecord prompt) throws Exception {
        flink.processElement(TestRecords.element(prompt));
    }

    /** Runs what is in the mailbox now. */
    void runMails() throws Exception {
        for (Optional<Mail> mail = next(); mail.isPresent(); mail = next()) {
            mail.get().run();
        }
    }

    private Optional<Mail> next() {
        return flink.getTaskMailbox().tryTake(TaskMailbox.MIN_PRIORITY);
    }

    /** Steps the engine and runs the mails, that many times. */
    void steps(FakeEngine engine, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            engine.step();
            runMails();
        }
    }

    /** As a barrier does it. */
    OperatorSubtaskState checkpoint(long id) throws Exception {
        flink.prepareSnapshotPreBarrier(id);
        return flink.snapshot(id, id);
    }

    List<WireRecord> completions() {
        return flink.extractOutputValues();
    }

    List<WireRecord> deadLetters() {
        List<WireRecord> letters = new ArrayList<>();
        Iterable<StreamRecord<WireRecord>> elements = flink.getSideOutput(DeadLetters.TAG);
        if (elements != null) {
            elements.forEach(e -> letters.add(e.getValue()));
        }
        return letters;
    }

    @Override
    public void close() throws Exception {
        flink.close();
    }
}
