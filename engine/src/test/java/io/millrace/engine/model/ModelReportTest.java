package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

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

    @Test
    void countsTheShippedModelsFiles() {
        ModelReport report = ModelReport.of(ModelFolder.open(TestConfigs.TINY_R1));
        assertThat(report.name()).isEqualTo("tiny-r1");
        assertThat(report.numShards()).isEqualTo(2);
        assertThat(report.numTensors()).isEqualTo(501);
        assertThat(report.fileBytes()).isEqualTo(1_598_928 + 2_667_272);
    }
}
