package io.millrace.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * CPU time and memory, of this process and of the whole machine. What only Linux tells (/proc) is NaN or −1 elsewhere. Any thread.
 *
 * @param nanos clock when it was read
 * @param ownCpuNanos CPU time of this process
 * @param busySeconds CPU seconds of the machine that weren't idle, this process's included; NaN if unknown
 */
record MachineLoad(long nanos, long ownCpuNanos, double busySeconds) {
    private static final OperatingSystemMXBean SYSTEM =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private static final Path STAT = Path.of("/proc/stat");
    private static final Path STATUS = Path.of("/proc/self/status");
    /** Linux counts in hundredths of a second in /proc/stat, whatever the kernel's own tick. */
    private static final double TICKS_PER_SECOND = 100;

    /** Returns the load up to now. */
    static MachineLoad now() {
        return new MachineLoad(System.nanoTime(), ownCpuTime(), busySeconds(read(STAT)));
    }

    /** Returns the CPU nanoseconds of this process. */
    static long ownCpuTime() {
        return SYSTEM.getProcessCpuTime();
    }

    /** Returns the resident bytes of this process without the mapped pages of files (the checkpoint's), −1 if unknown. */
    static long residentBytes() {
        for (String line : read(STATUS).split("\n", -1)) {
            if (line.startsWith("RssAnon:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) << 10;
            }
        }
        return -1;
    }

    /** Returns how many CPUs other processes used between {@code earlier} and this; NaN if unknown. */
    double othersCpus(MachineLoad earlier) {
        double own = (ownCpuNanos - earlier.ownCpuNanos) * 1e-9;
        return (busySeconds - earlier.busySeconds - own) / ((nanos - earlier.nanos) * 1e-9);
    }

    /** Returns user + nice + system + irq + softirq + steal of the line {@code cpu}; guests are part of user. */
    static double busySeconds(String stat) {
        String first = stat.lines().findFirst().orElse("");
        String[] fields = first.strip().split("\\s+", -1);
        if (!fields[0].equals("cpu") || fields.length < 9) {
            return Double.NaN;
        }
        double ticks = 0;
        for (int i : new int[] {1, 2, 3, 6, 7, 8}) {
            ticks += Double.parseDouble(fields[i]);
        }
        return ticks / TICKS_PER_SECOND;
    }

    private static String read(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
