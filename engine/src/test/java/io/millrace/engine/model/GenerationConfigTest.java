package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.millrace.engine.ConfigException;
import io.millrace.engine.SamplingOptions;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class GenerationConfigTest {
    private static final ModelConfig CONFIG = TestConfigs.parse(TestConfigs.tinyR1());

    private static GenerationConfig parse(String json) {
        return GenerationConfig.of(
                JsonFile.parse("generation_config.json", json.getBytes(StandardCharsets.UTF_8)), CONFIG);
    }

    @Test
    void readsTheShippedModels() {
        GenerationConfig config = ModelFolder.open(TestConfigs.TINY_R1).generationConfig();
        assertThat(config.defaults().temperature()).isEqualTo(0.6);
        assertThat(config.defaults().topP()).isEqualTo(0.95);
        assertThat(config.defaults().topK()).isNull();
        assertThat(config.eosTokenIds()).containsExactly(1);
    }

    @Test
    void withoutSamplingIsGreedy() {
        assertThat(parse("{\"do_sample\": false, \"temperature\": 0.6}")
                        .defaults()
                        .temperature())
                .isZero();
    }

    @Test
    void endTokensAreTheFilesElseTheConfigs() {
        assertThat(parse("{\"eos_token_id\": [1, 9]}").eosTokenIds()).containsExactly(1, 9);
        assertThat(parse("{}").eosTokenIds()).containsExactly(1);
        assertThat(GenerationConfig.read(null, CONFIG))
                .isEqualTo(new GenerationConfig(SamplingOptions.NONE, CONFIG.eosTokenIds()));
    }

    @Test
    void refusesValuesOutOfRange() {
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> parse("{\"top_p\": 1.5}"))
                .withMessage("generation_config.json: top_p is 1.5 but must be above 0 and at most 1.0");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> parse("{\"eos_token_id\": [1, 512]}"))
                .withMessageStartingWith("generation_config.json: eos_token_id is [1,512] but must be an id");
    }
}
