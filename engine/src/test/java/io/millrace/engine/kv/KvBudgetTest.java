package io.millrace.engine.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import org.junit.jupiter.api.Test;

class KvBudgetTest {
    private static final int TOKEN_BYTES = 100;
    private static final int PAGE_BYTES = 6400;
    private static final int TWO_PAGES_AND_A_TOKEN = 129;

    @Test
    void aPoolHoldsAtLeastOneFullContextSoThatNoAdmittedPromptCanBeTooLarge() {
        assertThat(KvBudget.numPages(3 * PAGE_BYTES, TOKEN_BYTES, TWO_PAGES_AND_A_TOKEN, 8, 0))
                .isEqualTo(3);
        assertThatThrownBy(() -> KvBudget.numPages(3 * PAGE_BYTES - 1, TOKEN_BYTES, TWO_PAGES_AND_A_TOKEN, 8, 0))
                .isInstanceOf(ConfigException.class)
                .hasMessage(
                        "the KV pool of 19,199 bytes holds 128 tokens but max-model-len is 129: raise kv-cache-bytes"
                                + " to 19,200 or lower max-model-len");
    }

    @Test
    void aChosenPoolHoldsAllContextsOrAQuarterOfTheMemory() {
        assertThat(KvBudget.numPages(0, TOKEN_BYTES, TWO_PAGES_AND_A_TOKEN, 8, 1 << 30))
                .isEqualTo(24);
        assertThat(KvBudget.numPages(0, TOKEN_BYTES, TWO_PAGES_AND_A_TOKEN, 8, 4 * 10 * PAGE_BYTES))
                .isEqualTo(10);
        assertThatThrownBy(() -> KvBudget.numPages(0, TOKEN_BYTES, TWO_PAGES_AND_A_TOKEN, 8, 4 * PAGE_BYTES))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("the KV pool of 6,400 bytes holds 64 tokens");
    }
}
