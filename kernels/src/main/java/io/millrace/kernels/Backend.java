package io.millrace.kernels;

import java.util.List;

/** A kind of device. Closing it frees all that its ranks allocated and ends their threads. */
public interface Backend extends AutoCloseable {
    /** Returns the name that options use: {@code cpu} or {@code cuda}. */
    String name();

    /**
     * Opens one rank per device.
     *
     * @throws DeviceException with what is missing and how to get it
     */
    List<Rank> open(ParallelPlan plan);

    @Override
    void close();
}
