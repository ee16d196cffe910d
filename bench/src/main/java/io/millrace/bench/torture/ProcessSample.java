package io.millrace.bench.torture;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a JVM of this machine holds. Linux only.
 *
 * @param heapBytes used right after a full garbage collection
 * @param residentBytes of all its memory, mapped files included
 * @param fileDescriptors open ones, sockets included
 */
record ProcessSample(long heapBytes, long residentBytes, int threads, int fileDescriptors) {
    private static final Pattern USED_HEAP = Pattern.compile(
            "(?m)^\\s*(?:garbage-first heap|def new generation|tenured generation|PSYoungGen|ParOldGen).*?used (\\d+)K");
    private static final Pattern RESIDENT = Pattern.compile("(?m)^VmRSS:\\s+(\\d+) kB");
    private static final Pattern THREADS = Pattern.compile("(?m)^Threads:\\s+(\\d+)");

    /**
     * Collects a JVM's garbage and looks at it.
     *
     * @throws ConfigException if the system has no /proc or the JDK no jcmd
     */
    static ProcessSample of(long pid) throws IOException, InterruptedException {
        Path proc = Path.of("/proc", Long.toString(pid));
        if (!Files.isDirectory(proc)) {
            throw new ConfigException(proc + " is missing: sampling needs Linux and a running process");
        }
        long heap = usedHeap(jcmd(pid, "GC.run", "GC.heap_info"));
        String status = Files.readString(proc.resolve("status"));
        try (Stream<Path> open = Files.list(proc.resolve("fd"))) {
            return new ProcessSample(
                    heap, number(RESIDENT, status) << 10, (int) number(THREADS, status), (int) open.count());
        }
    }

    /** Returns the used bytes of a {@code GC.heap_info}, all generations. */
    static long usedHeap(String heapInfo) {
        Matcher m = USED_HEAP.matcher(heapInfo);
        long kib = 0;
        boolean isFound = false;
        while (m.find()) {
            kib += Long.parseLong(m.group(1));
            isFound = true;
        }
        if (!isFound) {
            throw new IllegalStateException("jcmd's heap isn't known: " + heapInfo);
        }
        return kib << 10;
    }

    private static long number(Pattern pattern, String in) {
        Matcher m = pattern.matcher(in);
        if (!m.find()) {
            throw new IllegalStateException("no " + pattern + " in " + in);
        }
        return Long.parseLong(m.group(1));
    }

    /** Returns what the commands say; all in one JVM, because starting it costs more than they do. */
    private static String jcmd(long pid, String... commands) throws IOException, InterruptedException {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        if (!Files.isExecutable(jcmd)) {
            throw new ConfigException(jcmd + " is missing: sampling needs a JDK, not a JRE");
        }
        Path script = Files.createTempFile("millrace-", ".jcmd");
        try {
            Files.write(script, List.of(commands));
            Process process = new ProcessBuilder(
                            jcmd.toString(), "-J-XX:TieredStopAtLevel=1", Long.toString(pid), "-f", script.toString())
                    .redirectErrorStream(true)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException("jcmd " + pid + " " + String.join(", ", commands) + " failed: " + said);
            }
            return said;
        } finally {
            Files.delete(script);
        }
    }
}
