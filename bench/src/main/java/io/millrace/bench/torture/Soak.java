package io.millrace.bench.torture;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.ConfigException;
import io.millrace.job.EmbeddedBroker;
import io.millrace.job.Topic;
import io.millrace.job.TopicWriter;
import io.millrace.job.cli.Home;
import io.millrace.job.local.ClusterProcess;
import io.millrace.job.local.ClusterSettings;
import io.millrace.job.local.LocalCluster;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * A cluster of real processes under full load that nothing disturbs: always the same number of prompts without an answer, twice what
 * the job takes in at once. Looks again and again at what its processes hold. Thread: one.
 */
final class Soak {
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final Duration SETTLE = Duration.ofSeconds(5);
    private static final Duration MAX_WINDOW = Duration.ofMinutes(10);
    private static final int NUM_SAMPLES = 60;
    private static final double SECOND = 1e9;

    private final ClusterSettings settings;
    private final Duration length;
    private final Duration warmUp;
    private final int maxTokens;
    private final SplittableRandom random;
    private final @Nullable PrintStream talk;
    private final int outstandingLimit;

    private final Map<String, Long> outstanding = new HashMap<>();
    private final Set<String> answered = new HashSet<>();
    private final List<SoakResult.Answer> answers = new ArrayList<>();
    private final List<SoakResult.Sample> samples = Collections.synchronizedList(new ArrayList<>());
    private int numSent;
    private int doubled;
    private int deadLetters;
    private long startNanos;

    /**
     * Makes one.
     *
     * @param length of the load that counts; before it comes a tenth of it, at most two minutes, that doesn't
     * @param maxTokens of an answer
     * @param seed of the prompts
     */
    Soak(ClusterSettings settings, Duration length, int maxTokens, long seed, @Nullable PrintStream talk) {
        if (length.compareTo(Duration.ofSeconds(10)) < 0) {
            throw new ConfigException("--soak is " + length.toSeconds() + " s but must be at least 10 s");
        }
        this.settings = settings;
        this.length = length;
        this.warmUp = Duration.ofNanos(
                Math.min(length.toNanos() / 10, Duration.ofMinutes(2).toNanos()));
        this.maxTokens = maxTokens;
        this.random = new SplittableRandom(seed);
        this.talk = talk;
        this.outstandingLimit = 2 * TortureJob.MAX_IN_FLIGHT * settings.numTaskManagers();
    }

    SoakResult execute() throws IOException, InterruptedException {
        LocalCluster cluster = new LocalCluster(settings, Home.lib());
        say("starting the cluster in " + settings.folder());
        cluster.up();
        try {
            String jobId = TortureJob.submit(settings, List.of());
            Properties client = new Properties();
            client.setProperty("bootstrap.servers", settings.bootstrapServers());
            try (Topic topic = Topic.open(client, true, TortureJob.COMPLETIONS, TortureJob.DEAD_LETTERS);
                    TopicWriter writer =
                            TopicWriter.open(client, TortureJob.PROMPTS, EmbeddedBroker.MAX_MESSAGE_BYTES);
                    Admin admin = Admin.create(client)) {
                load(cluster, topic, writer, admin);
                return result(restarts(cluster, jobId));
            }
        } finally {
            cluster.down();
        }
    }

    private void load(LocalCluster cluster, Topic topic, TopicWriter writer, Admin admin)
            throws IOException, InterruptedException {
        startNanos = System.nanoTime() + PATIENCE.toNanos(); // until the first answer
        while (answered.isEmpty()) {
            step(topic, writer);
            if (seconds() > 0) {
                throw new IllegalStateException("no answer within " + PATIENCE.toSeconds() + " s");
            }
        }
        startNanos = System.nanoTime() + warmUp.toNanos();
        double end = length.toNanos() / SECOND;
        double nextSample = 0;
        ExecutorService sampler = Executors.newSingleThreadExecutor(r -> new Thread(r, "millrace-soak-samples"));
        try {
            Future<?> sample = CompletableFuture.completedFuture(null);
            while (seconds() < end) {
                step(topic, writer);
                if (seconds() >= nextSample && sample.isDone()) {
                    sample.get(); // its failure is ours
                    sample = sampler.submit(() -> sample(cluster, admin, seconds()));
                    nextSample += end / NUM_SAMPLES;
                }
            }
            sample.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("can't look at the cluster: " + e.getCause(), e);
        } finally {
            sampler.shutdownNow();
        }
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!outstanding.isEmpty() && System.nanoTime() < deadline) {
            take(topic);
        }
        long settled = System.nanoTime() + SETTLE.toNanos(); // what is doubled may come late
        while (System.nanoTime() < settled) {
            take(topic);
        }
    }

    /** Returns the seconds since the load counts, negative before. */
    private double seconds() {
        return (System.nanoTime() - startNanos) / SECOND;
    }

    private void step(Topic topic, TopicWriter writer) {
        for (; outstanding.size() < outstandingLimit; numSent++) {
            String id = TorturePrompts.id(numSent);
            byte[] value = TorturePrompts.prompt(numSent, maxTokens, random).getBytes(UTF_8);
            outstanding.put(id, System.nanoTime());
            writer.send(id.getBytes(UTF_8), value, List.of());
        }
        take(topic);
    }

    private void take(Topic topic) {
        for (ConsumerRecord<byte[], byte[]> r : topic.poll(LOOK)) {
            String id = new String(r.key(), UTF_8);
            Long sent = outstanding.remove(id);
            deadLetters += r.topic().equals(TortureJob.DEAD_LETTERS) ? 1 : 0;
            if (!answered.add(id)) {
                doubled++;
            } else if (sent != null && seconds() >= 0) {
                answers.add(new SoakResult.Answer(seconds(), (System.nanoTime() - sent) / 1e6));
            }
        }
    }

    /** Returns nothing of use; a Callable, so that it may throw. Thread: the sampler's; {@link #samples} is read when it is done. */
    private boolean sample(LocalCluster cluster, Admin admin, double at)
            throws IOException, InterruptedException, ExecutionException {
        Map<String, ProcessSample> processes = new TreeMap<>();
        for (ClusterProcess p : cluster.processes().all()) {
            long pid = p.find()
                    .orElseThrow(() -> new IllegalStateException(p.name() + " ended: see " + p.log()))
                    .pid();
            processes.put(p.name(), ProcessSample.of(pid));
        }
        Collection<TransactionListing> all = admin.listTransactions().all().get();
        int open = (int)
                all.stream().filter(t -> t.state() == TransactionState.ONGOING).count();
        SoakResult.Sample sample = new SoakResult.Sample(at, processes, open, all.size());
        say(String.format(Locale.ROOT, "%.0f s: %s", at, sample));
        return samples.add(sample);
    }

    /** Returns how often the job restarted. Flink only begins to collect a metric when it is asked for it. */
    private static long restarts(LocalCluster cluster, String jobId) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            JsonNode value =
                    cluster.rest("/jobs/" + jobId + "/metrics?get=numRestarts").at("/0/value");
            if (!value.isMissingNode()) {
                return Long.parseLong(value.asText());
            }
            Thread.sleep(SETTLE.toMillis() / 10);
        }
        throw new IllegalStateException("the job manager doesn't say how often job " + jobId + " restarted");
    }

    private SoakResult result(long restarts) {
        double seconds = length.toNanos() / SECOND;
        return new SoakResult(
                seconds,
                Math.min(MAX_WINDOW.toNanos() / SECOND, seconds / 3),
                answers,
                samples,
                outstanding.size(),
                doubled,
                deadLetters,
                restarts);
    }

    private void say(String line) {
        if (talk != null) {
            talk.println(line);
        }
    }
}
