package io.millrace.kernels.cpu.simd;

import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Picks the {@link Lanes} of this JVM by the system property {@code millrace.lanes}: {@code 512}, {@code 256}, {@code 128} or {@code
 * machine} (the machine's width, at most 512) from the first call on, {@code scalar}; default: scalar until the machine's width is
 * compiled.
 */
public final class LaneChoice {
    /** The system property. */
    public static final String PROPERTY = "millrace.lanes";

    /** The module that {@link VectorLanes} needs. */
    static final String MODULE = "jdk.incubator.vector";

    private static final Logger LOG = LoggerFactory.getLogger(LaneChoice.class);
    private static final AtomicBoolean WARNED = new AtomicBoolean();

    private LaneChoice() {}

    /** Returns the lanes to use; scalar, with one WARN per JVM, when the Vector API's module wasn't added. */
    public static Lanes choose() {
        if ("scalar".equals(System.getProperty(PROPERTY))) {
            return new ScalarLanes();
        }
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            return withoutModule(LOG, WARNED);
        }
        boolean isAsked = System.getProperty(PROPERTY) != null;
        return isAsked || WarmingLanes.isJvmWarm() ? Vectors.make() : new WarmingLanes(Vectors.make());
    }

    static Lanes withoutModule(Logger log, AtomicBoolean isWarned) {
        if (isWarned.compareAndSet(false, true)) {
            log.warn(
                    "cpu back end runs scalar (same answers, slower): add \"--add-modules {}\" to env.java.opts.all",
                    MODULE);
        }
        return new ScalarLanes();
    }

    /** Loaded only once the module is known to be there. */
    private static final class Vectors {
        static Lanes make() {
            return new VectorLanes();
        }
    }
}
