package io.millrace.kernels.cpu.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.helpers.MessageFormatter;

/** Runs with the module and, in an execution of its own, without it. */
class LaneChoiceTest {
    @Test
    void choosesByModuleAndProperty() {
        boolean hasModule = ModuleLayer.boot().findModule(LaneChoice.MODULE).isPresent();
        String asked = System.getProperty(LaneChoice.PROPERTY);
        String name = LaneChoice.choose().name();
        if (!hasModule) {
            assertThat(name).isEqualTo("scalar");
        } else if (asked != null && !asked.equals("machine")) {
            assertThat(name).isEqualTo(asked);
        } else {
            assertThat(name).isIn("512", "256", "128");
        }
    }

    @Test
    void warnsOnceThatItRunsScalar() {
        List<String> messages = new ArrayList<>();
        Logger log = (Logger) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Logger.class}, (proxy, method, arguments) -> {
                    messages.add(method.getName() + " "
                            + MessageFormatter.format((String) arguments[0], arguments[1])
                                    .getMessage());
                    return null;
                });
        AtomicBoolean isWarned = new AtomicBoolean();
        assertThat(LaneChoice.withoutModule(log, isWarned).name()).isEqualTo("scalar");
        LaneChoice.withoutModule(log, isWarned);
        assertThat(messages)
                .containsExactly(
                        "warn cpu back end runs scalar (same answers, slower): add \"--add-modules jdk.incubator.vector\" to"
                                + " env.java.opts.all");
    }
}
