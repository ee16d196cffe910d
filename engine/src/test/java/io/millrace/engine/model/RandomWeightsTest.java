package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.millrace.engine.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RandomWeightsTest {
    private @TempDir Path parent;

    private String write(String name, long seed, long shardBytes) {
        Path folder = parent.resolve(name);
        RandomWeights.write(folder, TestConfigs.small().toString(), seed, shardBytes, ProgressListener.NONE);
        return ModelFolder.open(folder).hash(ProgressListener.NONE);
    }

    @Test
    void sameSeedSameBytesAndOtherSeedOthers() {
        String first = write("a", 1, 100_000);
        assertThat(first)
                .matches("[0-9a-f]{64}")
                .isEqualTo(write("b", 1, 100_000))
                .isNotEqualTo(write("c", 2, 100_000));
    }

    @Test
    void splitsIntoShardsWithTheSameTensorsWhateverTheirSize() {
        write("one", 1, Long.MAX_VALUE);
        write("many", 1, 10_000);
        Checkpoint one = ModelFolder.open(parent.resolve("one")).checkpoint();
        Checkpoint many = ModelFolder.open(parent.resolve("many")).checkpoint();
        assertThat(one.shards()).hasSize(1);
        assertThat(many.shards().size()).isGreaterThan(20);
        for (TensorSpec spec : ModelTensors.main(TestConfigs.parse(TestConfigs.small()))) {
            assertThat(many.finiteData(many.located(spec.name()))).isEqualTo(one.finiteData(one.located(spec.name())));
        }
    }

    @Test
    void readsBackWithAllTensorsOfTheConfig() {
        write("a", 1, 100_000);
        ModelReport report = ModelReport.of(ModelFolder.open(parent.resolve("a")));
        List<TensorSpec> mtp = ModelTensors.mtp(report.config());
        assertThat(report.numTensors())
                .isEqualTo(ModelTensors.main(report.config()).size() + mtp.size());
        assertThat(report.config().numNextnPredictLayers()).isEqualTo(1);
    }

    @Test
    void refusesAFolderWithSomethingInIt() throws Exception {
        Files.writeString(parent.resolve("keep.txt"), "mine");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() ->
                        RandomWeights.write(parent, TestConfigs.small().toString(), 1, 1000, ProgressListener.NONE))
                .withMessage(parent + " isn't empty: give a new folder for the model");
    }
}
