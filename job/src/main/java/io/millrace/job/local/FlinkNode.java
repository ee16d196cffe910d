package io.millrace.job.local;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The two kinds of Flink processes, and how they start without Flink's scripts. */
public enum FlinkNode {
    /** One that leads. */
    JOB_MANAGER("org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"),
    /** One that holds an engine. */
    TASK_MANAGER("org.apache.flink.runtime.taskexecutor.TaskManagerRunner");

    private final String mainClass;

    FlinkNode(String mainClass) {
        this.mainClass = mainClass;
    }

    /**
     * Returns the command line of a process.
     *
     * @param lib folder of the command line's jars
     * @param conf folder with Flink's config.yaml and log4j2.properties
     * @param heapMiB of the JVM
     * @param settings of Flink, {@code key=value}, that override config.yaml's
     */
    public List<String> command(Path lib, Path conf, int heapMiB, List<String> settings) {
        List<String> command = new ArrayList<>();
        command.add(ClusterProcesses.java());
        command.add("-Xmx" + heapMiB + "m");
        if (this == TASK_MANAGER) {
            command.add("--add-modules=jdk.incubator.vector");
        }
        command.add("-Dlog4j2.configurationFile="
                + conf.resolve("log4j2.properties").toUri());
        command.add("-cp");
        command.add(FlinkClasspath.of(lib));
        command.add(mainClass);
        command.add("--configDir");
        command.add(conf.toString());
        settings.forEach(s -> command.add("-D" + s));
        return command;
    }
}
