package io.millrace.engine.structure;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Which tokens one sequence may draw next. The structure holds for the answer only: while the reasoning lasts, everything is allowed,
 * and behind it up to two newlines, which aren't part of the answer. A token that ends the sequence is allowed where the answer is
 * complete, and nowhere else. Thread: the engine loop only.
 */
public final class GrammarMask {
    private enum Phase {
        /** The first token may open a reasoning. */
        START,
        REASONING,
        ANSWER
    }

    /** How far a sequence has come. Immutable. */
    public static final class Place {
        private final Phase phase;
        private final Automaton.State state;

        private Place(Phase phase, Automaton.State state) {
            this.phase = phase;
            this.state = state;
        }
    }

    /**
     * What may come next.
     *
     * @param bits [numTokens / 64] i64, bit id % 64 of word id / 64; not to be changed
     * @param isEnd nothing but an end
     */
    @SuppressWarnings("ArrayRecordComponent") // passed on to the sampler, compared by nobody
    public record Allowed(long[] bits, boolean isEnd) {}

    private final CompiledStructure structure;
    /** Ids that end the sequence, ascending. */
    private final int[] endIds;

    private Place place;
    private @Nullable String failure;

    GrammarMask(CompiledStructure structure, int[] endIds, boolean startsInsideReasoning, boolean canReason) {
        this.structure = structure;
        this.endIds = Arrays.stream(endIds)
                .filter(id -> id < 64 * structure.numWords())
                .sorted()
                .distinct()
                .toArray();
        Automaton.State start = structure.start();
        place = new Place(startsInsideReasoning ? Phase.REASONING : canReason ? Phase.START : Phase.ANSWER, start);
    }

    /** Returns where the sequence is. */
    public Place place() {
        return place;
    }

    /** Goes on behind a token of the sequence. */
    public void accept(int token) {
        place = after(place, token);
    }

    /** Returns the place behind a token, one that allows nothing if it isn't allowed. */
    public Place after(Place from, int token) {
        switch (from.phase) {
            case START -> {
                if (structure.opensReasoning(token)) {
                    return new Place(Phase.REASONING, from.state);
                }
            }
            case REASONING -> {
                return structure.closesReasoning(token)
                        ? new Place(Phase.ANSWER, structure.startBehindReasoning())
                        : from;
            }
            default -> {}
        }
        if (Arrays.binarySearch(endIds, token) >= 0 && from.state.isAccepting()) {
            return from; // an end that is ignored
        }
        try {
            return new Place(Phase.ANSWER, structure.automaton().after(from.state, token));
        } catch (StructureException e) {
            failure = e.getMessage();
            return new Place(Phase.ANSWER, structure.automaton().dead());
        }
    }

    /** Returns the place behind tokens that may come next. */
    public Place after(int[] tokens, int count) {
        Place p = place;
        for (int i = 0; i < count; i++) {
            p = after(p, tokens[i]);
        }
        return p;
    }

    /** Returns what may come next, null for everything. */
    public @Nullable Allowed allowed(Place at) {
        if (at.phase == Phase.REASONING) {
            return null;
        }
        long[] bits;
        try {
            bits = structure.automaton().allowed(at.state);
        } catch (StructureException e) {
            failure = e.getMessage();
            return new Allowed(new long[structure.numWords()], false);
        }
        boolean isEnding = at.state.isAccepting();
        boolean isOwn = false;
        for (int id : endIds) {
            if (isEnding != isSet(bits, id)) {
                bits = isOwn ? bits : bits.clone();
                isOwn = true;
                bits[id >> 6] ^= 1L << id;
            }
        }
        int think = structure.think();
        if (at.phase == Phase.START && think >= 0) {
            bits = isOwn ? bits : bits.clone();
            bits[think >> 6] |= 1L << think;
        }
        return new Allowed(bits, at.state.isFinal());
    }

    private static boolean isSet(long[] bits, int id) {
        return ((bits[id >> 6] >> id) & 1) != 0;
    }

    /** Returns why nothing is allowed any more, null if that isn't so. */
    public @Nullable String failure() {
        return failure;
    }
}
