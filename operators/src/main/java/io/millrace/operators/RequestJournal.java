package io.millrace.operators;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;

/**
 * The requests in flight as operator list state, one entry each, so that Flink can split them among any number of subtasks. Flink
 * sees bytes; what they mean is {@link JournalSerializer}'s, with a version of its own. Thread: the mailbox.
 */
final class RequestJournal {
    private static final ListStateDescriptor<byte[]> DESCRIPTOR =
            new ListStateDescriptor<>("requests-in-flight", BytePrimitiveArraySerializer.INSTANCE);

    private final ListState<byte[]> state;

    RequestJournal(OperatorStateStore store) throws Exception {
        this.state = store.getListState(DESCRIPTOR);
    }

    /** Takes what was restored; the state is empty afterwards. */
    List<JournalEntry> takeRestored() throws Exception {
        List<JournalEntry> entries = new ArrayList<>();
        for (byte[] bytes : state.get()) {
            entries.add(JournalSerializer.decode(bytes));
        }
        state.clear();
        return entries;
    }

    /** Makes these requests the state, in their order. */
    void write(Collection<InFlightRequest> requests) throws Exception {
        List<byte[]> entries = new ArrayList<>(requests.size());
        for (InFlightRequest request : requests) {
            entries.add(JournalSerializer.encode(request.entry));
        }
        state.update(entries);
    }
}
