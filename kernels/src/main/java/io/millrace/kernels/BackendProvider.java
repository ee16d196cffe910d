package io.millrace.kernels;

/** Makes a back end; found by {@link Backends} through {@link java.util.ServiceLoader}, so that the seam imports no back end. */
public interface BackendProvider {
    /** Returns the name that options use. */
    String name();

    /**
     * Makes the back end.
     *
     * @param numThreads worker threads of a back end on the host's cores, ≥ 1
     */
    Backend create(int numThreads);
}
