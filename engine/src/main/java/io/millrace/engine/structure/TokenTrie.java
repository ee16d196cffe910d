package io.millrace.engine.structure;

import io.millrace.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All text tokens of a vocabulary by their bytes, as a tree in preorder. Added tokens aren't text and have no place in it. Immutable;
 * any thread.
 */
final class TokenTrie {
    private final Tokenizer tokenizer;
    private final int numTokens;
    /** [numNodes] i32: depth of a node (the root's is 0), the byte that leads to it, the first node behind its subtree. */
    private final int[] depth;

    private final int[] edge;
    private final int[] behind;
    /** [numNodes + 1] i32: where a node's tokens begin in {@link #tokens}. */
    private final int[] firstToken;

    private final int[] tokens;
    private final int maxDepth;

    TokenTrie(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        numTokens = tokenizer.numTokens();
        List<byte[]> bytes = new ArrayList<>(numTokens);
        List<Integer> ids = new ArrayList<>();
        for (int id = 0; id < numTokens; id++) {
            bytes.add(tokenizer.tokenBytes(id));
            if (bytes.get(id).length > 0 && !tokenizer.isAdded(id)) {
                ids.add(id);
            }
        }
        ids.sort((a, b) -> Arrays.compareUnsigned(bytes.get(a), bytes.get(b)));
        tokens = ids.stream().mapToInt(Integer::intValue).toArray();
        int maxNodes = 1 + ids.stream().mapToInt(id -> bytes.get(id).length).sum();
        int[] depths = new int[maxNodes];
        int[] edges = new int[maxNodes];
        int[] nodeOf = new int[tokens.length];
        int nodes = 1;
        byte[] before = {};
        for (int t = 0; t < tokens.length; t++) {
            byte[] now = bytes.get(tokens[t]);
            int same = Arrays.mismatch(before, now);
            for (int d = same < 0 ? now.length : same; d < now.length; d++) {
                depths[nodes] = d + 1;
                edges[nodes++] = now[d] & 0xFF;
            }
            nodeOf[t] = nodes - 1; // also of a second token with the same bytes
            before = now;
        }
        depth = Arrays.copyOf(depths, nodes);
        edge = Arrays.copyOf(edges, nodes);
        firstToken = new int[nodes + 1];
        int t = 0;
        for (int node = 0; node <= nodes; node++) {
            while (t < tokens.length && nodeOf[t] < node) {
                t++;
            }
            firstToken[node] = t;
        }
        behind = behind(depth);
        maxDepth = Arrays.stream(depth).max().orElse(0);
    }

    private static int[] behind(int[] depth) {
        int[] out = new int[depth.length];
        for (int i = depth.length - 1; i >= 0; i--) {
            int next = i + 1;
            while (next < depth.length && depth[next] > depth[i]) {
                next = out[next];
            }
            out[i] = next;
        }
        return out;
    }

    /** Returns the largest id + 1. */
    int numTokens() {
        return numTokens;
    }

    /** Returns the bytes of a token, null for an added one or an unknown id: those are no text. */
    byte @Nullable [] text(int id) {
        byte[] bytes = tokenizer.tokenBytes(id);
        return bytes.length == 0 || tokenizer.isAdded(id) ? null : bytes;
    }

    /** Returns the tokens that lead from a state to a live one: [numTokens / 64] i64, bit id % 64 of word id / 64. */
    long[] allowed(Automaton automaton, Automaton.State from) {
        long[] mask = new long[(numTokens + 63) / 64];
        Automaton.State[] at = new Automaton.State[maxDepth + 1];
        at[0] = from;
        for (int node = 1; node < depth.length; ) {
            Automaton.State next = automaton.next(at[depth[node] - 1], edge[node]);
            if (next.isDead()) {
                node = behind[node];
                continue;
            }
            at[depth[node]] = next;
            for (int t = firstToken[node]; t < firstToken[node + 1]; t++) {
                mask[tokens[t] >> 6] |= 1L << tokens[t];
            }
            node++;
        }
        return mask;
    }
}
