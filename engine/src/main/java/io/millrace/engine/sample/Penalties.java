package io.millrace.engine.sample;

import io.millrace.engine.SamplingParams;
import io.millrace.kernels.TokenPenalties;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One sequence's changes to single logits: bias, repetition, frequency, presence, bad words. Kept as the sparse list that
 * {@link TokenPenalties} wants and extended token by token. Thread: the engine loop only.
 */
public final class Penalties {
    private final SamplingParams params;
    private final Map<Integer, Integer> indexOf = new HashMap<>();
    private int[] tokens = new int[16];
    private int[] outputCounts = new int[16];
    private boolean[] isSeen = new boolean[16];
    private float[] bias = new float[16];
    /** The last output tokens, oldest first, as many as the longest bad word can have before its end. */
    private final List<Integer> tail = new ArrayList<>();

    private final int maxTail;
    private int numOutputTokens;

    private Penalties(SamplingParams params) {
        this.params = params;
        this.maxTail = params.badWords().stream().mapToInt(List::size).max().orElse(1) - 1;
    }

    /**
     * Returns the penalties of a fresh sequence, or null if its parameters have none.
     *
     * @param prompt ids; only the repetition penalty looks at them
     */
    public static @Nullable Penalties of(SamplingParams params, int[] prompt) {
        boolean isCounting =
                params.repetitionPenalty() != 1 || params.frequencyPenalty() != 0 || params.presencePenalty() != 0;
        if (!isCounting
                && params.logitBias().isEmpty()
                && params.minTokens() == 0
                && params.badWords().isEmpty()) {
            return null;
        }
        Penalties p = new Penalties(params);
        if (params.repetitionPenalty() != 1) {
            for (int id : prompt) {
                p.isSeen[p.entry(id)] = true;
            }
        }
        params.logitBias().forEach((id, b) -> p.bias[p.entry(id)] = b.floatValue());
        return p;
    }

    /** Counts a generated token. */
    public void addOutput(int id) {
        int i = entry(id);
        outputCounts[i]++;
        isSeen[i] = true;
        numOutputTokens++;
        tail.add(id);
        if (tail.size() > maxTail) {
            tail.remove(0);
        }
    }

    /**
     * Returns the list for the next draw.
     *
     * @param endIds the model's end tokens; they and the request's stop ids are forbidden until {@code min_tokens} are there
     * @param mustEnd nothing but an end is possible, so that it can't be forbidden
     */
    TokenPenalties forNextDraw(int[] endIds, boolean mustEnd) {
        int[] forbidden = forbidden(endIds, mustEnd);
        float[] biasNow = bias;
        if (forbidden.length > 0) {
            biasNow = bias.clone(); // after entry(), which may have replaced it by a longer one
            for (int i : forbidden) {
                biasNow[i] = Float.NEGATIVE_INFINITY;
            }
        }
        return new TokenPenalties(
                tokens,
                outputCounts,
                isSeen,
                biasNow,
                indexOf.size(),
                (float) params.repetitionPenalty(),
                (float) params.frequencyPenalty(),
                (float) params.presencePenalty());
    }

    /** Returns the entries of the tokens that can't be next. */
    private int[] forbidden(int[] endIds, boolean mustEnd) {
        IntStream ids = params.badWords().stream().filter(this::isBegun).mapToInt(word -> word.get(word.size() - 1));
        if (numOutputTokens < params.minTokens() && !mustEnd) {
            IntStream ends = IntStream.concat(
                    Arrays.stream(endIds), params.stopTokenIds().stream().mapToInt(Integer::intValue));
            ids = IntStream.concat(ids, ends);
        }
        return ids.map(this::entry).toArray();
    }

    /** Whether the output ends with all of a bad word but its last token. */
    private boolean isBegun(List<Integer> word) {
        int numBefore = word.size() - 1;
        return numBefore <= tail.size()
                && tail.subList(tail.size() - numBefore, tail.size()).equals(word.subList(0, numBefore));
    }

    private int entry(int id) {
        Integer known = indexOf.get(id);
        if (known != null) {
            return known;
        }
        int i = indexOf.size();
        if (i == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * i);
            outputCounts = Arrays.copyOf(outputCounts, 2 * i);
            isSeen = Arrays.copyOf(isSeen, 2 * i);
            bias = Arrays.copyOf(bias, 2 * i);
        }
        indexOf.put(id, i);
        tokens[i] = id;
        return i;
    }
}
