package io.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** What is read from /proc/stat. */
class MachineLoadTest {
    @Test
    void idleIowaitAndGuestsAreNotBusy() {
        String stat = "cpu  100 20 30 99999 7777 4 5 6 50 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assertThat(MachineLoad.busySeconds(stat)).isEqualTo(1.65, within(1e-9));
    }

    @Test
    void withoutTheFileNothingIsKnown() {
        assertThat(MachineLoad.busySeconds("")).isNaN();
        assertThat(new MachineLoad(2_000_000_000, 0, Double.NaN).othersCpus(new MachineLoad(0, 0, Double.NaN)))
                .isNaN();
    }
}
