package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineRequest;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.ServedModel;
import io.millrace.schemas.Prompt;
import org.junit.jupiter.api.Test;

class InFlightTest {
    private final PromptDecoder decoder = new PromptDecoder(TestRecords.settings(1, 1));
    private final PromptValidator validator = new PromptValidator(
            new ServedModel("m", "h", "cpu", "tp1", 10, SamplingOptions.NONE, null),
            new Vocabulary(10, id -> new byte[0]),
            ServingSettings.PLAIN);
    private final InFlight inFlight = new InFlight();

    @Test
    void keepsTheOrderOfArrivalAndKnowsTheOldest() {
        InFlightRequest a = request();
        InFlightRequest b = request();
        InFlightRequest c = request();
        inFlight.add(a);
        inFlight.add(b);
        inFlight.add(c);
        assertThat(inFlight.requests()).containsExactly(a, b, c);
        inFlight.remove(b);
        assertThat(inFlight.oldestSequence()).isEqualTo(a.sequence);
        inFlight.remove(a);
        assertThat(inFlight.oldestSequence()).isEqualTo(c.sequence);
        inFlight.remove(c);
        assertThat(inFlight.oldestSequence()).isEqualTo(inFlight.nextSequence()).isEqualTo(3);
        assertThat(inFlight.isEmpty()).isTrue();
    }

    @Test
    void isFullByRequestsOrByBytesButNeverWhenEmpty() {
        assertThat(inFlight.isFull(1, 1)).isFalse();
        InFlightRequest a = request();
        inFlight.add(a);
        assertThat(inFlight.isFull(2, a.valueBytes() + 1)).isFalse();
        assertThat(inFlight.isFull(1, a.valueBytes() + 1)).isTrue();
        assertThat(inFlight.isFull(2, a.valueBytes())).isTrue();
        inFlight.remove(a);
        inFlight.remove(a);
        assertThat(inFlight.valueBytes()).isZero();
    }

    private InFlightRequest request() {
        WireRecord record = TestRecords.prompt("q", 1, "");
        Prompt prompt = decoder.decode(record);
        EngineRequest request = validator.validate(prompt, record);
        return new InFlightRequest(JournalEntry.start(record, 0, "h", request.params()), prompt, request);
    }
}
