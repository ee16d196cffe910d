package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WatermarkGateTest {
    private final WatermarkGate gate = new WatermarkGate();

    @Test
    void releasesTheNewestThatNeedNotWait() {
        gate.hold(10, 1);
        gate.hold(20, 2);
        gate.hold(30, 5);
        assertThat(gate.release(0)).isNull();
        assertThat(gate.release(3)).isEqualTo(20);
        assertThat(gate.release(3)).isNull();
        assertThat(gate.release(5)).isEqualTo(30);
    }

    @Test
    void aNewerOneReplacesTheOneBeforeIfNoRequestCameBetween() {
        for (int timestamp = 0; timestamp < 1000; timestamp++) {
            gate.hold(timestamp, 1);
        }
        assertThat(gate.release(0)).isNull();
        assertThat(gate.release(1)).isEqualTo(999);
        assertThat(gate.release(1)).isNull();
    }
}
