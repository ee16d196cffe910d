package io.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.module.ModuleFinder;
import org.junit.jupiter.api.Test;

class MachineChecksTest {
    @Test
    void refusesAnOldJava() {
        assertThat(MachineChecks.java(17).verdict()).isEqualTo(Finding.Verdict.OK);
        assertThat(MachineChecks.java(16).verdict()).isEqualTo(Finding.Verdict.FAILED);
        assertThat(MachineChecks.java(16).text())
                .isEqualTo("Java is 16 but must be at least 17: install a later JDK, or set JAVA_HOME");
    }

    @Test
    void warnsWithoutTheVectorModule() {
        assertThat(MachineChecks.vectors(ModuleFinder.ofSystem()).verdict()).isEqualTo(Finding.Verdict.OK);
        assertThat(MachineChecks.vectors(ModuleFinder.of()).text())
                .isEqualTo("this JVM has no module jdk.incubator.vector: same answers, slower; use a full JDK for task"
                        + " managers");
    }

    @Test
    void refusesAModelLargerThanTheMachine() {
        assertThat(MachineChecks.memory(1L << 30, 1L << 30).verdict()).isEqualTo(Finding.Verdict.OK);
        assertThat(MachineChecks.memory(3L << 30, 2L << 30).text())
                .isEqualTo("3072 MiB of weights, 2048 MiB of memory: the cpu back end holds all weights; use a larger"
                        + " machine");
    }

    @Test
    void namesTheBackEndAndRefusesOneThatIsNotThere() {
        assertThat(MachineChecks.backend("cpu").text()).startsWith("cpu: ");
        assertThat(MachineChecks.backend("abacus").text()).startsWith("no back end \"abacus\": this build has ");
    }
}
