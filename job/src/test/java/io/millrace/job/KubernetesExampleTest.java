package io.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.job.cli.Home;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessSpec;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** examples/kubernetes/millrace.yaml without Kubernetes: names, arguments, memory, and what of it {@code Dockerfile} makes. */
class KubernetesExampleTest {
    /** Fields of the resource FlinkDeployment, version v1beta1, and of what it holds. */
    private static final Map<String, Set<String>> FIELDS = Map.of(
            "",
            Set.of("apiVersion", "kind", "metadata", "spec"),
            "spec",
            Set.of(
                    "flinkConfiguration",
                    "flinkVersion",
                    "image",
                    "imagePullPolicy",
                    "ingress",
                    "job",
                    "jobManager",
                    "logConfiguration",
                    "mode",
                    "podTemplate",
                    "restartNonce",
                    "serviceAccount",
                    "taskManager"),
            "job",
            Set.of("allowNonRestoredState", "args", "entryClass", "jarURI", "parallelism", "state", "upgradeMode"),
            "jobManager",
            Set.of("podTemplate", "replicas", "resource"),
            "taskManager",
            Set.of("podTemplate", "replicas", "resource"),
            "resource",
            Set.of("cpu", "ephemeralStorage", "memory"));

    private final List<Map<String, Object>> documents = new ArrayList<>();
    private final String dockerfile;

    KubernetesExampleTest() throws IOException {
        Path file = Home.folder().resolve("examples/kubernetes/millrace.yaml");
        for (Object document : new Yaml().loadAll(Files.readString(file))) {
            documents.add(map(document));
        }
        dockerfile = Files.readString(Home.folder().resolve("Dockerfile"));
    }

    @SuppressWarnings("unchecked") // what isn't a map fails where it is used
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    private Map<String, Object> spec() {
        return map(documents.get(1).get("spec"));
    }

    private Map<String, Object> job() {
        return map(spec().get("job"));
    }

    @Test
    void hasOnlyFieldsOfTheResource() {
        Map<String, Object> deployment = documents.get(1);
        assertThat(deployment).containsEntry("apiVersion", "flink.apache.org/v1beta1");
        assertThat(deployment).containsEntry("kind", "FlinkDeployment");
        assertFields("", deployment);
        assertFields("spec", spec());
        assertFields("job", job());
        for (String manager : List.of("jobManager", "taskManager")) {
            assertFields(manager, map(spec().get(manager)));
            assertFields("resource", map(map(spec().get(manager)).get("resource")));
        }
        assertThat(job().get("upgradeMode")).isIn("stateless", "savepoint", "last-state");
        String[] version = EnvironmentInformation.getVersion().split("\\.");
        assertThat(spec()).containsEntry("flinkVersion", "v" + version[0] + "_" + version[1]);
    }

    private static void assertFields(String name, Map<String, Object> fields) {
        assertThat(fields.keySet()).as(name).isSubsetOf(FIELDS.get(name));
    }

    @Test
    void argumentsAreTheJobs() throws ClassNotFoundException {
        List<String> args =
                ((List<?>) job().get("args")).stream().map(String.class::cast).toList();
        JobOptions options = JobOptions.parse(args.toArray(String[]::new));
        assertThat(options.get(JobOptions.MODEL)).isEqualTo("/opt/flink/models/tiny-r1");
        assertThat(Class.forName((String) job().get("entryClass"))).isEqualTo(MillraceJob.class);
    }

    @Test
    void configurationHasOnlyKeysThatFlinkKnows() throws IllegalAccessException {
        Set<String> known = new TreeSet<>();
        for (Class<?> c : List.of(
                CheckpointingOptions.class,
                CoreOptions.class,
                HighAvailabilityOptions.class,
                RestartStrategyOptions.class,
                TaskManagerOptions.class)) {
            for (Field f : c.getFields()) {
                if (Modifier.isStatic(f.getModifiers()) && ConfigOption.class.isAssignableFrom(f.getType())) {
                    known.add(((ConfigOption<?>) f.get(null)).key());
                }
            }
        }
        assertThat(map(spec().get("flinkConfiguration")).keySet()).isSubsetOf(known);
    }

    @Test
    void memoryOfATaskManagerAddsUp() {
        Configuration c = new Configuration();
        map(spec().get("flinkConfiguration")).forEach((key, value) -> c.setString(key, (String) value));
        Map<String, Object> resource = map(map(spec().get("taskManager")).get("resource"));
        c.set(TaskManagerOptions.TOTAL_PROCESS_MEMORY, MemorySize.parse((String) resource.get("memory")));
        TaskExecutorProcessSpec memory = TaskExecutorProcessUtils.processSpecFromConfig(c);
        assertThat(memory.getTaskHeapSize()).isEqualTo(MemorySize.parse("1408m"));
        // the rest of the process's memory is at most as much as was left for it
        assertThat(memory.getTotalProcessMemorySize()).isEqualTo(MemorySize.parse("2500m"));
    }

    @Test
    void imageJarAndModelAreThoseOfTheDockerfile() throws IOException {
        assertThat(dockerfile)
                .contains(
                        " AS flink\n",
                        "millrace.jar " + ((String) job().get("jarURI")).replace("local://", "") + "\n",
                        "/src/models /opt/flink/models\n")
                .contains("FROM flink:" + EnvironmentInformation.getVersion() + "-java17 AS flink\n");
        assertThat(Files.isRegularFile(Home.folder().resolve("models/tiny-r1/config.json")))
                .isTrue();
        assertThat(Files.readString(Home.folder().resolve("docs/kubernetes.md")))
                .contains("docker build --target flink -t " + spec().get("image") + " .");
    }

    @Test
    void everyMountHasItsVolumeAndItsClaim() {
        Map<String, Object> pod = map(map(spec().get("podTemplate")).get("spec"));
        Map<String, Object> container = map(((List<?>) pod.get("containers")).get(0));
        Map<String, Object> volume = map(((List<?>) pod.get("volumes")).get(0));
        Map<String, Object> mount = map(((List<?>) container.get("volumeMounts")).get(0));
        assertThat(container).containsEntry("name", "flink-main-container"); // the operator's name for it
        assertThat(mount.get("name")).isEqualTo(volume.get("name"));
        assertThat(documents.get(0)).containsEntry("kind", "PersistentVolumeClaim");
        assertThat(map(volume.get("persistentVolumeClaim")).get("claimName"))
                .isEqualTo(map(documents.get(0).get("metadata")).get("name"));
        assertThat(map(spec().get("flinkConfiguration")).entrySet().stream()
                        .filter(e -> e.getKey().endsWith("dir") || e.getKey().endsWith("Dir"))
                        .map(Map.Entry::getValue))
                .hasSize(3)
                .allMatch(uri -> uri.toString().startsWith("file://" + mount.get("mountPath") + "/"));
    }
}
