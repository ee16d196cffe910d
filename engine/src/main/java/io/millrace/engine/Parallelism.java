package io.millrace.engine;

import io.millrace.kernels.ParallelPlan;
import java.io.Serializable;

/**
 * Over how many devices of this host an engine is spread, in vLLM's terms.
 *
 * @param tensorParallelSize ranks that share each layer's heads and columns, and whose KV pools are copies of each other
 *     ({@code --tensor-parallel-size})
 * @param dataParallelSize groups of such ranks, each of which attends to requests of its own ({@code --data-parallel-size})
 * @param isExpertParallel whether routed experts are whole, each on one of all ranks, instead of cut over the ranks of a group
 *     ({@code --enable-expert-parallel})
 */
public record Parallelism(int tensorParallelSize, int dataParallelSize, boolean isExpertParallel)
        implements Serializable {
    /** Ranks in all. */
    public static final int MAX_RANKS = 64;
    /** One device. */
    public static final Parallelism NONE = new Parallelism(1, 1, false);

    /** Checks the ranges. */
    public Parallelism {
        EngineConfig.check(tensorParallelSize >= 1, "tensor-parallel-size", tensorParallelSize, "at least 1");
        EngineConfig.check(dataParallelSize >= 1, "data-parallel-size", dataParallelSize, "at least 1");
        if ((long) tensorParallelSize * dataParallelSize > MAX_RANKS) {
            throw new ConfigException("tensor-parallel-size " + tensorParallelSize + " × data-parallel-size "
                    + dataParallelSize + " is more than " + MAX_RANKS + " ranks: lower one of them");
        }
        if (dataParallelSize > 1 && !isExpertParallel) {
            throw new ConfigException("data-parallel-size is " + dataParallelSize
                    + " but enable-expert-parallel is off: groups that attend to their own requests share the experts, so turn it"
                    + " on");
        }
    }

    /** Returns the plan that a back end opens. */
    ParallelPlan plan() {
        int ranks = tensorParallelSize * dataParallelSize;
        return new ParallelPlan(tensorParallelSize, isExpertParallel ? ranks : 1, dataParallelSize > 1);
    }
}
