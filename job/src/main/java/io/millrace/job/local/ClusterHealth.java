package io.millrace.job.local;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How a local cluster's processes are doing. Health of a task manager is progress: one whose engine holds sequences and makes no
 * step is unhealthy, though its process runs. Thread: one.
 */
public final class ClusterHealth {
    /** Longer than a step, and than the job manager's look at the task managers' metrics. */
    private static final long BETWEEN_LOOKS_MS = 3_000;

    private static final String STEPS = "ContinuousBatch.millrace.steps_total";
    private static final String RUNNING = "ContinuousBatch.millrace.num_requests_running";

    private final LocalCluster cluster;

    public ClusterHealth(LocalCluster cluster) {
        this.cluster = cluster;
    }

    /** What was found out about a process. */
    public record Finding(String name, @Nullable Long pid, boolean isHealthy, String what) {}

    /** An engine's counters, as a subtask of its task manager reports them. */
    private record Engine(long steps, long running) {}

    /** Looks twice, some seconds apart. */
    public List<Finding> look() {
        Set<String> registered = registered();
        Map<String, Engine> before = engines();
        if (before.values().stream().anyMatch(e -> e.running > 0)) {
            sleep();
        }
        Map<String, Engine> after = engines();
        List<Finding> findings = new ArrayList<>();
        for (ClusterProcess p : cluster.processes().all()) {
            Optional<ProcessHandle> handle = p.find();
            Long pid = handle.map(ProcessHandle::pid).orElse(null);
            if (pid == null) {
                findings.add(new Finding(p.name(), null, false, "not running"));
            } else if (!p.name().startsWith(ClusterProcesses.TASK_MANAGER)) {
                findings.add(new Finding(p.name(), pid, true, "running"));
            } else if (!registered.contains(p.name())) {
                findings.add(new Finding(p.name(), pid, false, "not registered with the job manager"));
            } else {
                findings.add(taskManager(p.name(), pid, before.get(p.name()), after.get(p.name())));
            }
        }
        return findings;
    }

    private static Finding taskManager(String name, Long pid, @Nullable Engine before, @Nullable Engine after) {
        if (after == null) {
            return new Finding(name, pid, true, "registered, no engine");
        }
        long steps = before == null ? after.steps : after.steps - before.steps;
        boolean isStuck = before != null && before.running > 0 && after.running > 0 && steps == 0;
        return new Finding(
                name,
                pid,
                !isStuck,
                isStuck
                        ? "its engine holds " + after.running + " sequences but made no step in "
                                + BETWEEN_LOOKS_MS / 1_000 + " s: see ./millrace local logs " + name
                        : after.running + " sequences running, " + after.steps + " steps made");
    }

    private static void sleep() {
        try {
            Thread.sleep(BETWEEN_LOOKS_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private Set<String> registered() {
        Set<String> ids = new TreeSet<>();
        try {
            cluster.rest("/taskmanagers")
                    .path("taskmanagers")
                    .forEach(t -> ids.add(t.path("id").asText()));
        } catch (IOException e) {
            return ids; // the job manager doesn't answer: nobody is registered
        }
        return ids;
    }

    /** Returns the engines by their task manager. */
    private Map<String, Engine> engines() {
        Map<String, Engine> engines = new TreeMap<>();
        try {
            for (Map.Entry<String, String> job : cluster.jobs().entrySet()) {
                if (job.getValue().equals("RUNNING")) {
                    for (JsonNode v : cluster.rest("/jobs/" + job.getKey()).path("vertices")) {
                        addEngines(
                                engines,
                                "/jobs/" + job.getKey() + "/vertices/"
                                        + v.path("id").asText());
                    }
                }
            }
        } catch (IOException e) {
            return engines; // not now: the job manager is being replaced
        }
        return engines;
    }

    private void addEngines(Map<String, Engine> engines, String vertex) throws IOException {
        for (JsonNode subtask : cluster.rest(vertex).path("subtasks")) {
            String metrics =
                    vertex + "/subtasks/" + subtask.path("subtask").asInt() + "/metrics?get=" + STEPS + "," + RUNNING;
            Map<String, Long> values = new HashMap<>();
            cluster.rest(metrics)
                    .forEach(m ->
                            values.put(m.path("id").asText(), m.path("value").asLong()));
            if (values.containsKey(STEPS)) {
                engines.put(
                        subtask.path("taskmanager-id").asText(),
                        new Engine(Objects.requireNonNull(values.get(STEPS)), values.getOrDefault(RUNNING, 0L)));
            }
        }
    }
}
