package io.millrace.kernels;

/**
 * What a device is.
 *
 * @param backend {@code cpu} or {@code cuda}
 * @param name processor or card
 * @param description widths, threads, driver: one short line for the log and for provenance
 * @param totalBytes memory in all
 * @param freeBytes memory free when asked
 */
public record DeviceInfo(String backend, String name, String description, long totalBytes, long freeBytes) {}
