package io.millrace.job.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.ConfigException;
import io.millrace.job.EmbeddedBroker;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/** A local cluster seen from outside: starts, ends and asks it. Any process; one thread. */
public final class LocalCluster {
    private static final Duration READY_WITHIN = Duration.ofMinutes(2);
    private static final Duration ENDED_WITHIN = Duration.ofMinutes(1);
    private static final long LOOK_MS = 200;
    static final List<String> TOPICS =
            List.of("llm.prompts", "llm.completions", "llm.prompts.dlq", "llm.completions.partial", "llm.control");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ClusterSettings settings;
    private final ClusterProcesses processes;
    private final Path lib;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

    /**
     * Makes a view of the cluster.
     *
     * @param lib folder of the command line's jars
     */
    public LocalCluster(ClusterSettings settings, Path lib) {
        this.settings = settings;
        this.lib = lib;
        processes = new ClusterProcesses(settings, lib);
    }

    /** Returns its settings. */
    public ClusterSettings settings() {
        return settings;
    }

    /** Returns its processes, without the supervisor. */
    public ClusterProcesses processes() {
        return processes;
    }

    /** Returns whether its supervisor runs. */
    public boolean isUp() {
        return supervisor().find().isPresent();
    }

    private ClusterProcess supervisor() {
        return processes.supervisor(lib.resolveSibling("millrace.jar"));
    }

    /**
     * Starts it and waits until the broker answers and every task manager has registered. Makes the job's topics.
     *
     * @throws ConfigException if it is up already
     */
    public void up() throws IOException {
        if (isUp()) {
            throw new ConfigException("the cluster in " + settings.folder()
                    + " is up: ./millrace local status shows it, ./millrace local down ends it");
        }
        settings.write();
        ClusterFiles.write(settings);
        supervisor().start();
        await(
                "the broker answers and " + settings.numTaskManagers() + " task managers have registered",
                READY_WITHIN,
                () -> numTaskManagers() >= settings.numTaskManagers() && hasTopics());
    }

    /** Ends it, and whatever is left of it if its supervisor was killed. */
    public void down() {
        Optional<ProcessHandle> handle = supervisor().find();
        if (handle.isPresent()) {
            handle.get().destroy();
        } else {
            processes.all().forEach(p -> p.find().ifPresent(ProcessHandle::destroyForcibly));
        }
        await(
                "all processes have ended",
                ENDED_WITHIN,
                () -> !isUp()
                        && processes.all().stream().noneMatch(p -> p.find().isPresent()));
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private void await(String what, Duration within, Condition condition) {
        long deadline = System.nanoTime() + within.toNanos();
        try {
            while (!isTrue(condition)) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("waited " + within.toSeconds() + " s until " + what
                            + ": see the logs in " + settings.logs());
                }
                Thread.sleep(LOOK_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static boolean isTrue(Condition condition) {
        try {
            return condition.holds();
        } catch (IOException e) {
            return false; // not yet
        }
    }

    /** Returns how many task managers the job manager knows; 0 if it doesn't answer. */
    public int numTaskManagers() throws IOException {
        return rest("/taskmanagers").path("taskmanagers").size();
    }

    /** Returns the state of each job by its id, such as {@code RUNNING}. */
    public Map<String, String> jobs() throws IOException {
        Map<String, String> states = new TreeMap<>();
        rest("/jobs")
                .path("jobs")
                .forEach(j -> states.put(j.path("id").asText(), j.path("status").asText()));
        return states;
    }

    /**
     * Asks the job manager.
     *
     * @param path such as {@code /jobs}
     * @throws IOException if it doesn't answer
     */
    public JsonNode rest(String path) throws IOException {
        return JSON.readTree(get(settings.restUrl() + path));
    }

    private String get(String url) throws IOException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .timeout(Duration.ofSeconds(5))
                .build();
        try {
            HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw new IOException(url + " answers " + response.statusCode());
            }
            return response.body();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** Makes the topics if the broker answers. */
    private boolean hasTopics() {
        try (Admin admin = Admin.create(Map.of(
                "bootstrap.servers",
                settings.bootstrapServers(),
                "request.timeout.ms",
                "3000",
                "default.api.timeout.ms",
                "5000"))) {
            List<NewTopic> missing = new ArrayList<>();
            var there = admin.listTopics().names().get(5, TimeUnit.SECONDS);
            for (String name : TOPICS) {
                if (!there.contains(name)) {
                    missing.add(new NewTopic(name, 4, (short) 1)
                            .configs(Map.of("max.message.bytes", Integer.toString(EmbeddedBroker.MAX_MESSAGE_BYTES))));
                }
            }
            admin.createTopics(missing).all().get(10, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException | TimeoutException e) {
            return false; // not yet
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
