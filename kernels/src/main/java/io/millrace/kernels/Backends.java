package io.millrace.kernels;

import java.util.ServiceLoader;
import java.util.TreeSet;

/** Name → back end. No guessing: the caller says which. */
public final class Backends {
    private Backends() {}

    /**
     * Makes a back end.
     *
     * @param name {@code cpu}, or {@code cuda} that has run on an emulated driver only
     * @param numThreads worker threads of a back end on the host's cores, ≥ 1
     * @throws DeviceException if there is none of that name
     */
    public static Backend named(String name, int numThreads) {
        TreeSet<String> names = new TreeSet<>();
        for (BackendProvider p : ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader())) {
            if (p.name().equals(name)) {
                return p.create(numThreads);
            }
            names.add(p.name());
        }
        throw new DeviceException("no back end \"" + name + "\": this build has " + String.join(", ", names));
    }
}
