package io.millrace.engine.model;

import io.millrace.engine.run.RankGroup;
import io.millrace.kernels.Backends;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.ParallelPlan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Runs a model over all ranks of a plan without an engine: groups step together, every row's logits come back. */
final class PlanRunner implements AutoCloseable {
    private final ParallelPlan plan;
    private final RankGroup group;
    private final List<BareRunner> runners;

    /** Loads a model; pages [sequences of a group, pages of each] are the same on all ranks. */
    PlanRunner(String backend, ParallelPlan plan, Path folder, int maxTokens, int pageTokens, int[][] pages) {
        this.plan = plan;
        group = RankGroup.open(Backends.named(backend, 2), plan);
        try {
            runners = group.onEachRank(rank -> new BareRunner(rank, plan, folder, maxTokens, pageTokens, pages));
        } catch (RuntimeException | Error e) {
            group.close();
            throw e;
        }
    }

    int numGroups() {
        return plan.dp();
    }

    /** Runs a step: each group's chunks, none for a group without work; returns logits [groups][rows of the group, V]. */
    List<float[][]> step(List<List<BareRunner.Chunk>> chunks) {
        return step(chunks, 0, 0);
    }

    /** Runs a step in a larger bucket: rows behind each group's chunks belong to no sequence and write to a spare page. */
    List<float[][]> step(List<List<BareRunner.Chunk>> chunks, int paddingRows, int sparePage) {
        GroupRows groups = GroupRows.of(chunks.stream()
                .mapToInt(c -> paddingRows
                        + c.stream().mapToInt(chunk -> chunk.ids().length).sum())
                .toArray());
        List<float[][]> logits = group.onEachRank(rank -> {
            int g = plan.dp() == 1 ? 0 : rank.index() / plan.tp();
            return runners.get(rank.index()).step(chunks.get(g), groups, groups.rows(g), sparePage);
        });
        List<float[][]> ofGroups = new ArrayList<>();
        for (int r = 0; r < logits.size(); r++) {
            if (r % plan.tp() == 0) {
                ofGroups.add(logits.get(r));
            } else if (logits.get(r).length > 0) {
                BareRunner.assertSameBits(
                        logits.get(r), logits.get(r - 1)); // all ranks of a group hold the same logits
            }
        }
        return ofGroups;
    }

    /** Feeds each group one prompt as its first sequence, in chunks of at most {@code chunkTokens}; returns the logits of all rows. */
    List<float[][]> prefill(List<int[]> prompts, int chunkTokens) {
        List<float[][]> all = new ArrayList<>();
        prompts.forEach(p -> all.add(new float[p.length][]));
        int longest = prompts.stream().mapToInt(p -> p.length).max().orElseThrow();
        for (int start = 0; start < longest; start += chunkTokens) {
            List<List<BareRunner.Chunk>> chunks = new ArrayList<>();
            for (int g = 0; g < numGroups(); g++) {
                int[] prompt = g < prompts.size() ? prompts.get(g) : new int[0];
                int end = Math.min(prompt.length, start + chunkTokens);
                chunks.add(
                        start < end
                                ? List.of(new BareRunner.Chunk(0, start, Arrays.copyOfRange(prompt, start, end)))
                                : List.of());
            }
            List<float[][]> logits = step(chunks);
            for (int g = 0; g < prompts.size(); g++) {
                System.arraycopy(
                        logits.get(g), 0, all.get(g), Math.min(start, all.get(g).length), logits.get(g).length);
            }
        }
        return all;
    }

    /** Runs a step of one chunk in each group, then the MTP layer with the tokens that follow; returns its logits [groups][rows, V]. */
    List<float[][]> draft(List<BareRunner.Chunk> chunks, List<int[]> following) {
        GroupRows groups =
                GroupRows.of(following.stream().mapToInt(f -> f.length).toArray());
        return group.onEachRank(rank -> {
            int g = rank.index() / plan.tp();
            return runners.get(rank.index()).draft(chunks.get(g), following.get(g), groups);
        });
    }

    @Override
    public void close() {
        group.close();
    }
}
