package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import io.millrace.engine.SamplingOptions;
import org.junit.jupiter.api.Test;

class SamplingLayersTest {
    @Test
    void readsTheCommandLinesSampling() {
        SamplingOptions options = SamplingLayers.ofCommandLine(
                " {\"temperature\":0.6,\"max_tokens\":7,\"stop\":[\"a\"],\"logprobs\":true} ");
        assertThat(options.temperature()).isEqualTo(0.6);
        assertThat(options.maxTokens()).isEqualTo(7);
        assertThat(options.stop()).containsExactly("a");
        assertThat(options.topLogprobs()).isZero();
        assertThat(options.topP()).isNull();
    }

    @Test
    void nothingMeansNothingSaid() {
        assertThat(SamplingLayers.ofCommandLine("")).isEqualTo(SamplingOptions.NONE);
        assertThat(SamplingLayers.ofCommandLine("{}")).isEqualTo(SamplingOptions.NONE);
        assertThat(SamplingLayers.ofCommandLine("{ }")).isEqualTo(SamplingOptions.NONE);
    }

    @Test
    void refusesToStartWithWrongDefaults() {
        assertRefused("[1]", "sampling defaults are [1] but must be a JSON object");
        assertRefused("{\"temperature\":101}", "temperature is 101.0 but must be from 0.0 to 100.0");
        assertRefused("{\"temprature\":1}", "temprature");
        assertRefused("{\"n\":\"two\"}", "n: ");
        assertRefused("{\"prompt\":\"mine\"}", "prompt");
    }

    private static void assertRefused(String json, String message) {
        assertThatThrownBy(() -> SamplingLayers.ofCommandLine(json))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(message);
    }
}
