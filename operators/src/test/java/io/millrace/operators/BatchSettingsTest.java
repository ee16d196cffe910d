package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import org.junit.jupiter.api.Test;

class BatchSettingsTest {
    @Test
    void refusesBoundsThatLetNothingIn() {
        assertThatThrownBy(() -> TestRecords.settings(0, 1))
                .isInstanceOf(ConfigException.class)
                .hasMessage("max-in-flight-requests is 0 but must be at least 1");
        assertThatThrownBy(() -> TestRecords.settings(1, 0))
                .hasMessage("max-in-flight-bytes is 0 but must be at least 1");
        assertThatThrownBy(() -> TestRecords.settings(1, 1, -1, false))
                .hasMessage("max-request-bytes is -1 but must be at least 1");
    }
}
