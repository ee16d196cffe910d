package io.millrace.job.local;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The processes of a local cluster, in the order in which they are started. */
public final class ClusterProcesses {
    static final String BROKER = "broker";
    static final String ZOOKEEPER = "zookeeper";
    static final String JOB_MANAGER = "jobmanager";
    static final String TASK_MANAGER = "taskmanager-";
    static final String SUPERVISOR = "supervisor";

    private static final int JOB_MANAGER_HEAP_MIB = 512;

    private final ClusterSettings settings;
    private final Path lib;

    /**
     * Makes the list.
     *
     * @param lib folder of the command line's jars
     */
    public ClusterProcesses(ClusterSettings settings, Path lib) {
        this.settings = settings;
        this.lib = lib;
    }

    /** Returns all but the supervisor. */
    public List<ClusterProcess> all() {
        List<ClusterProcess> all = new ArrayList<>();
        all.add(process(BROKER, List.of("-Xmx512m"), allJars(), "kafka.Kafka", serverProperties()));
        all.add(process(
                ZOOKEEPER,
                List.of("-Xmx128m"),
                allJars(),
                "org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.ZooKeeperServerMain",
                List.of(ClusterFiles.zookeeperProperties(settings).toString())));
        all.add(flink(JOB_MANAGER, FlinkNode.JOB_MANAGER, JOB_MANAGER_HEAP_MIB, List.of()));
        for (int i = 1; i <= settings.numTaskManagers(); i++) {
            String name = TASK_MANAGER + i;
            all.add(flink(
                    name,
                    FlinkNode.TASK_MANAGER,
                    settings.taskManagerHeapMiB(),
                    List.of("taskmanager.resource-id=" + name)));
        }
        return all;
    }

    private ClusterProcess flink(String name, FlinkNode node, int heapMiB, List<String> flinkSettings) {
        return process(name, node.command(lib, settings.conf(), heapMiB, flinkSettings));
    }

    private List<String> serverProperties() {
        return List.of(ClusterFiles.serverProperties(settings).toString());
    }

    /** Returns the process that starts and watches the others. */
    ClusterProcess supervisor(Path jar) {
        return process(
                SUPERVISOR,
                List.of("-Xmx64m"),
                jar + System.getProperty("path.separator") + allJars(),
                Supervisor.class.getName(),
                List.of(settings.folder().toString(), lib.toString()));
    }

    /** Returns the process of that name. */
    public Optional<ClusterProcess> named(String name) {
        return all().stream().filter(p -> p.name().equals(name)).findFirst();
    }

    private String allJars() {
        return lib.resolve("*").toString();
    }

    private ClusterProcess process(
            String name, List<String> jvmFlags, String classPath, String mainClass, List<String> args) {
        List<String> command = new ArrayList<>();
        command.add(java());
        command.addAll(jvmFlags);
        command.add(
                "-Dlog4j2.configurationFile=" + ClusterFiles.logging(settings).toUri());
        command.add("-cp");
        command.add(classPath);
        command.add(mainClass);
        command.addAll(args);
        return process(name, command);
    }

    private ClusterProcess process(String name, List<String> command) {
        return new ClusterProcess(
                name,
                command,
                settings.run().resolve(name + ".pid"),
                settings.logs().resolve(name + ".log"));
    }

    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }
}
