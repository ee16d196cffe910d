package io.millrace.job.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code flink run -d}, by Flink's own command line client in a process of its own, as Flink's script would start it. */
public final class FlinkRun {
    private static final Pattern SUBMITTED = Pattern.compile("submitted with JobID ([0-9a-f]{32})");
    private static final Pattern REASON = Pattern.compile("Caused by: [\\w.]*(?:Config)?Exception: (.*)");

    private final Path conf;
    private final Path lib;
    private final Path jar;

    /**
     * Makes a client.
     *
     * @param conf folder with Flink's config.yaml
     * @param lib folder of the command line's jars
     * @param jar the job
     */
    public FlinkRun(Path conf, Path lib, Path jar) {
        this.conf = conf;
        this.lib = lib;
        this.jar = jar;
    }

    /**
     * What came of it.
     *
     * @param jobId null if the job wasn't taken
     * @param reason why not, one line
     */
    public record Submitted(@Nullable String jobId, String reason) {}

    /**
     * Hands the job over and returns when the cluster has it.
     *
     * @param savepoint to go on from, or null
     * @param args of the main class
     */
    public Submitted submit(String mainClass, @Nullable String savepoint, List<String> args) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                ClusterProcesses.java(),
                "--add-opens=java.base/java.util=ALL-UNNAMED", // the client needs it; no other Flink process does
                "-cp",
                FlinkClasspath.of(lib),
                "org.apache.flink.client.cli.CliFrontend",
                "run",
                "-d"));
        if (savepoint != null) {
            command.addAll(List.of("-s", savepoint));
        }
        command.addAll(List.of("-c", mainClass, jar.toString()));
        command.addAll(args);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("FLINK_CONF_DIR", conf.toString());
        Process process = builder.start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        Matcher submitted = SUBMITTED.matcher(said);
        return submitted.find() ? new Submitted(submitted.group(1), "") : new Submitted(null, reason(said));
    }

    /** Returns the innermost cause, else the last line. */
    private static String reason(String said) {
        String reason = "";
        for (Matcher m = REASON.matcher(said); m.find(); ) {
            reason = m.group(1);
        }
        return reason.isEmpty() ? said.strip().replaceFirst("(?s).*\\n", "") : reason;
    }
}
