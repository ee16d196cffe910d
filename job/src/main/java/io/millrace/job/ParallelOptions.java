package io.millrace.job;

import static io.millrace.job.JobOption.Group.ENGINE;

import io.millrace.engine.Parallelism;
import java.util.List;

/** Options of how many devices an engine is spread over. Immutable. */
public final class ParallelOptions {
    public static final JobOption<Integer> TENSOR_PARALLEL_SIZE = JobOption.integer(
            "tensor-parallel-size",
            ENGINE,
            "1",
            "ranks",
            1,
            Parallelism.MAX_RANKS,
            "Devices that share heads and columns of every layer; each has a copy of the KV pool.");
    public static final JobOption<Integer> DATA_PARALLEL_SIZE = JobOption.integer(
            "data-parallel-size",
            ENGINE,
            "1",
            "groups",
            1,
            Parallelism.MAX_RANKS,
            "Groups of tensor-parallel-size devices, each attending to requests of its own; needs enable-expert-parallel.");
    public static final JobOption<Boolean> ENABLE_EXPERT_PARALLEL = JobOption.flag(
            "enable-expert-parallel",
            ENGINE,
            "Routed experts are whole, each on one of all devices, instead of cut over a group's.");

    /** All of them, in the order of help texts. */
    static final List<JobOption<?>> LIST = List.of(TENSOR_PARALLEL_SIZE, DATA_PARALLEL_SIZE, ENABLE_EXPERT_PARALLEL);

    private ParallelOptions() {}

    static Parallelism of(JobOptions options) {
        return new Parallelism(
                options.get(TENSOR_PARALLEL_SIZE),
                options.get(DATA_PARALLEL_SIZE),
                options.get(ENABLE_EXPERT_PARALLEL));
    }
}
