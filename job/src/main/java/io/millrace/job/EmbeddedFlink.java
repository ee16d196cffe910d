package io.millrace.job;

import io.millrace.engine.ConfigException;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HeartbeatManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.executiongraph.ErrorInfo;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * A Flink cluster in this JVM that runs one job on one task manager, which can be killed and replaced.
 *
 * <p>Thread: any; {@link #killTaskManager} one at a time.
 */
public final class EmbeddedFlink implements AutoCloseable {
    private static final int TIMEOUT_SECONDS = 120;
    /** Failures in a row after which the job fails: a wrong set-up must come to an end, and a user is watching. */
    private static final int MAX_FAILURES = 20;

    private final MiniCluster cluster;
    private final JobID job;
    private int taskManagerIndex;

    private EmbeddedFlink(MiniCluster cluster, JobID job) {
        this.cluster = cluster;
        this.job = job;
    }

    /**
     * Starts a cluster and the job.
     *
     * @param settings of the job, see {@link MillraceJob#flinkSettings}; parallelism = slots of the task manager
     * @param pipeline wires the job
     * @param restoreFrom checkpoint or savepoint to go on from, null = start afresh
     */
    public static EmbeddedFlink start(
            Configuration settings, Consumer<StreamExecutionEnvironment> pipeline, @Nullable String restoreFrom) {
        Configuration c = clusterSettings();
        c.addAll(settings);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(c);
        pipeline.accept(env);
        JobGraph graph = env.getStreamGraph().getJobGraph();
        if (restoreFrom != null) {
            graph.setSavepointRestoreSettings(SavepointRestoreSettings.forPath(restoreFrom));
        }
        MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(c)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(env.getParallelism())
                .setCommonBindAddress("127.0.0.1")
                .withRandomPorts()
                .build());
        EmbeddedFlink flink = new EmbeddedFlink(cluster, graph.getJobID());
        try {
            cluster.start();
            await("submitting the job", cluster.submitJob(graph));
            return flink;
        } catch (Exception e) { // declared by MiniCluster.start
            flink.close();
            throw new IllegalStateException("can't start the embedded Flink cluster: " + e.getMessage(), e);
        }
    }

    private static Configuration clusterSettings() {
        Configuration c = new Configuration();
        c.set(RestOptions.BIND_PORT, "0");
        c.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
        c.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(1)); // nothing here uses it
        c.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(16));
        c.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(16));
        c.set(HeartbeatManagerOptions.HEARTBEAT_INTERVAL, Duration.ofSeconds(10));
        c.set(HeartbeatManagerOptions.HEARTBEAT_TIMEOUT, Duration.ofSeconds(60)); // a busy laptop isn't a lost one
        c.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_INITIAL_BACKOFF, Duration.ofMillis(100));
        c.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_ATTEMPTS, MAX_FAILURES);
        c.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF, Duration.ofSeconds(2));
        return c;
    }

    /** Ends the task manager with everything that runs on it, and starts another; the job fails over to it by itself. */
    public void killTaskManager() {
        await("ending the task manager", cluster.terminateTaskManager(taskManagerIndex));
        taskManagerIndex++;
        try {
            cluster.startTaskManager();
        } catch (Exception e) { // declared by MiniCluster
            throw new IllegalStateException("can't start another task manager: " + e.getMessage(), e);
        }
    }

    /** Returns the job's end: done when it finished, failed or was cancelled. */
    public CompletableFuture<JobResult> result() {
        return cluster.requestJobResult(job);
    }

    /** Returns where Flink's REST interface of this cluster answers. */
    URI restAddress() {
        return await("asking for the REST address", cluster.getRestAddress());
    }

    /** Returns the job's id. */
    JobID jobId() {
        return job;
    }

    /** Returns the job's state. */
    public JobStatus status() {
        return await("asking for the job's state", cluster.getJobStatus(job));
    }

    /**
     * Looks whether a task refused to start. Flink would try it again and again, but no try mends a configuration.
     *
     * @throws ConfigException what the task threw
     */
    public void throwIfMisconfigured() {
        ErrorInfo failure = await("asking for the job's state", cluster.getExecutionGraph(job))
                .getFailureInfo();
        Throwable cause =
                failure == null ? null : failure.getException().deserializeError(EmbeddedFlink.class.getClassLoader());
        for (; cause != null; cause = cause.getCause()) {
            if (cause instanceof ConfigException e) {
                throw e;
            }
        }
    }

    /** Saves the progress, requests in flight included, and ends the job. Returns the savepoint's path. */
    public String stopWithSavepoint(String folder) {
        return await("stopping the job", cluster.stopWithSavepoint(job, folder, false, SavepointFormatType.CANONICAL));
    }

    /** Saves the progress while the job goes on; transactions stay open until the next checkpoint. Returns the savepoint's path. */
    String savepoint(String folder) {
        return await("saving the job", cluster.triggerSavepoint(job, folder, false, SavepointFormatType.CANONICAL));
    }

    /** Ends the job without saving; its last checkpoint stays. */
    public void cancel() {
        await("cancelling the job", cluster.cancelJob(job));
        await("cancelling the job", result());
    }

    private static <T> T await(String what, CompletableFuture<T> future) {
        try {
            return future.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalStateException(what + " failed: " + cause.getMessage(), cause);
        } catch (TimeoutException e) {
            throw new IllegalStateException(what + " took longer than " + TIMEOUT_SECONDS + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + what, e);
        }
    }

    /** Ends the cluster, whatever runs there. */
    @Override
    public void close() {
        await("closing the embedded Flink cluster", cluster.closeAsync());
    }
}
