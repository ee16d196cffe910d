package io.millrace.engine.model;

import io.millrace.engine.ConfigException;
import io.millrace.engine.kv.KvBudget;
import io.millrace.kernels.ParallelPlan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where the memory of each of several equal GPUs goes under one {@link ParallelPlan}. Immutable; any thread.
 *
 * @param weightBytes of a rank, −1 if the plan can't cut the model
 * @param workspaceBytes of a rank, −1 if the plan can't cut the model
 * @param kvPoolBytes of a rank: whole pages in what is left, 0 if nothing is
 * @param groupPages pages of a group of tp ranks, whose pools are copies of each other
 * @param refusal why the plan doesn't fit; null if it does
 */
public record MemoryPlan(
        ParallelPlan plan,
        long weightBytes,
        long workspaceBytes,
        long kvPoolBytes,
        long groupPages,
        @Nullable String refusal) {

    /**
     * What the plans have to fit.
     *
     * @param numGpus 1 … 64
     * @param usableBytes of each GPU for weights, workspace and KV
     * @param maxNumSeqs sequences running together, all GPUs together
     * @param maxNumBatchedTokens tokens of a step, all GPUs together
     * @param isDrafting whether the MTP layers are loaded
     */
    public record Demand(int numGpus, long usableBytes, int maxNumSeqs, int maxNumBatchedTokens, boolean isDrafting) {
        /** Checks the ranges. */
        public Demand {
            check(numGpus >= 1 && numGpus <= 64, "gpus", numGpus, "1 to 64");
            check(usableBytes >= 1, "usable GPU memory", usableBytes, "at least 1 byte");
            check(maxNumSeqs >= 1, "max-num-seqs", maxNumSeqs, "at least 1");
            check(maxNumBatchedTokens >= 1, "max-num-batched-tokens", maxNumBatchedTokens, "at least 1");
        }

        private static void check(boolean isRight, String name, long value, String range) {
            if (!isRight) {
                throw new ConfigException(name + " is " + value + " but must be " + range);
            }
        }
    }

    /** Returns the plans for all GPUs, most KV tokens first, then those that don't fit. */
    public static List<MemoryPlan> all(ModelConfig config, Demand demand) {
        List<MemoryPlan> plans = new ArrayList<>();
        int n = demand.numGpus();
        for (int tp = n; tp >= 1; tp--) {
            for (int ep = 1; ep <= n; ep++) {
                if (n % tp == 0 && n % ep == 0 && (tp == n || ep == n)) {
                    plans.add(of(config, demand, new ParallelPlan(tp, ep, tp < n)));
                }
            }
        }
        plans.sort(Comparator.comparingLong(MemoryPlan::kvTokens).reversed());
        return plans;
    }

    static MemoryPlan of(ModelConfig config, Demand demand, ParallelPlan plan) {
        RankWeights weights = new RankWeights(config, plan);
        String refusal = weights.refusal().orElse(null);
        if (refusal != null) {
            return new MemoryPlan(plan, -1, -1, 0, 0, refusal);
        }
        long weightBytes = weights.weightBytes(demand.isDrafting());
        long workspaceBytes = new RankWorkspace(
                        config,
                        plan,
                        ceilDiv(demand.maxNumBatchedTokens(), plan.dp()),
                        ceilDiv(demand.maxNumSeqs(), plan.dp()))
                .sizeBytes(demand.isDrafting());
        long pageBytes = KvBudget.PAGE_TOKENS * tokenBytes(config, demand.isDrafting());
        long left = demand.usableBytes() - weightBytes - workspaceBytes;
        long pages = Math.max(0, left / pageBytes);
        if (left < pageBytes) {
            refusal = String.format(
                    Locale.ROOT,
                    "needs %,d bytes for weights, %,d for workspace and %,d for a page of KV but a GPU has %,d",
                    weightBytes,
                    workspaceBytes,
                    pageBytes,
                    demand.usableBytes());
        }
        return new MemoryPlan(plan, weightBytes, workspaceBytes, pages * pageBytes, pages, refusal);
    }

    /** Returns the bytes of one token's bf16 cache over all layers. */
    private static long tokenBytes(ModelConfig config, boolean isDrafting) {
        long mtpBytes = isDrafting ? 2L * config.numNextnPredictLayers() * config.kvDim() : 0;
        return config.kvBytesPerToken(2) + mtpBytes;
    }

    /** Returns whether the model runs under this plan. */
    public boolean fits() {
        return refusal == null;
    }

    /** Returns the tokens that all KV pools together hold. */
    public long kvTokens() {
        return plan.dp() * groupPages * KvBudget.PAGE_TOKENS;
    }

    /** Returns how many users with {@code contextTokens} of prompt and answer each run together; a user's pages are in one group. */
    public long users(int contextTokens) {
        return plan.dp() * (groupPages / ceilDiv(contextTokens, KvBudget.PAGE_TOKENS));
    }

    private static int ceilDiv(int a, int b) {
        return (a - 1) / b + 1;
    }
}
