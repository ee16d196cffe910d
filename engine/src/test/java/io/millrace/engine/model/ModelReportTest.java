package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.kernels.LinearFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelReportTest {
    @Test
    void countsR1AsItsPaperAndFilesDo() {
        ModelReport report = ModelReport.of("r1", TestConfigs.parse(TestConfigs.r1()));
        assertThat(report.numParameters()).isEqualTo(671_026_419_200L);
        assertThat(report.numActiveParameters()).isEqualTo(37_552_297_472L);
        assertThat(report.numMtpParameters()).isEqualTo(11_610_068_224L);
        assertThat(report.e4m3Bytes()).isEqualTo(669_065_609_216L);
        assertThat(report.scaleBytes()).isEqualTo(163_352_928L);
        assertThat(report.otherBytes()).isEqualTo(3_921_649_664L);
        assertThat(report.weightBytes()).isEqualTo(673_150_611_808L);
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            deepseek-v2-lite,           15706484224,  2661150208,  0,           31412968448,  BF16
            moonlight-16b-a3b-instruct, 15960110208,  2914776192,  0,           31920223744,  BF16
            deepseek-v3.1,              671026419200, 37552297472, 11610068224, 673150611808, E4M3_UE8M0
            """)
    void countsPublishedConfigs(
            String name, long parameters, long active, long mtp, long weightBytes, LinearFormat format) {
        ModelReport report = ModelReport.of(name, ModelConfig.read(TestConfigs.PUBLISHED.resolve(name + ".json")));
        assertThat(report.numParameters()).isEqualTo(parameters);
        assertThat(report.numActiveParameters()).isEqualTo(active);
        assertThat(report.numMtpParameters()).isEqualTo(mtp);
        assertThat(report.weightBytes()).isEqualTo(weightBytes);
        assertThat(report.config().linearFormat()).isEqualTo(format);
    }

    @Test
    void countsTheShippedModelsFiles() {
        ModelReport report = ModelReport.of(ModelFolder.open(TestConfigs.TINY_R1));
        assertThat(report.name()).isEqualTo("tiny-r1");
        assertThat(report.numShards()).isEqualTo(2);
        assertThat(report.numTensors()).isEqualTo(501);
        assertThat(report.fileBytes()).isEqualTo(1_598_928 + 2_667_272);
    }
}
