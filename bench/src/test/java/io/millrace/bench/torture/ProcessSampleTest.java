package io.millrace.bench.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class ProcessSampleTest {
    private static final byte[] HELD = new byte[20 << 20];

    @Test
    void readsEveryCollectorsHeap() {
        assertThat(ProcessSample.usedHeap("""
                24:
                 garbage-first heap   total 123904K, used 45678K [0x0000000083200000, 0x0000000100000000)
                  region size 1024K, 5 young (5120K), 2 survivors (2048K)
                 Metaspace       used 7777K, committed 8000K, reserved 1114112K
                """)).isEqualTo(45_678L << 10);
        assertThat(ProcessSample.usedHeap("""
                 def new generation   total 9792K, used 100K [0x0, 0x0, 0x0)
                  eden space 8704K,  30% used [0x0, 0x0, 0x0)
                 tenured generation   total 21888K, used 23K [0x0, 0x0, 0x0)
                   the space 21888K,   0% used [0x0, 0x0, 0x0, 0x0)
                """)).isEqualTo(123L << 10);
        assertThatThrownBy(() -> ProcessSample.usedHeap("nothing")).hasMessageContaining("nothing");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void seesThisProcess() throws Exception {
        ProcessSample own = ProcessSample.of(ProcessHandle.current().pid());
        assertThat(own.heapBytes()).isGreaterThan(HELD.length);
        assertThat(own.residentBytes()).isGreaterThan(own.heapBytes());
        assertThat(own.threads()).isGreaterThan(5);
        assertThat(own.fileDescriptors()).isGreaterThan(3);
        assertThatThrownBy(() -> ProcessSample.of(Integer.MAX_VALUE)).isInstanceOf(ConfigException.class);
    }
}
