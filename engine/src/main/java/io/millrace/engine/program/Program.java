package io.millrace.engine.program;

import io.millrace.engine.RejectedException;
import java.util.List;

/**
 * What one request is to do, step by step. Unrolled, every draw and every choice to be scored is a <em>part</em>, numbered from 0 in
 * the order of the text: the rounds of a loop and the branches of a fork one after the other, whether they will be run or not.
 * Immutable; any thread.
 *
 * @param steps at least one
 */
public record Program(List<Step> steps) {
    /** What a result may be called. */
    static final String NAME = "[A-Za-z_][A-Za-z0-9_]{0,63}";

    /** Copies the list. */
    public Program {
        steps = List.copyOf(steps);
    }

    /**
     * Checks bounds and names.
     *
     * @return this
     * @throws RejectedException with value, limit and way out
     */
    public Program check(ProgramLimits limits) {
        ProgramCheck.of(this, limits);
        return this;
    }

    /** Returns whether a result may be called so. */
    public static boolean isName(String name) {
        return name.matches(NAME);
    }

    /** Returns the number of parts; bounded once {@link #check} has seen it. */
    public int numParts() {
        return numParts(steps);
    }

    static int numParts(List<Step> steps) {
        return steps.stream().mapToInt(Program::numParts).sum();
    }

    static int numParts(Step step) {
        if (step instanceof Step.Gen) {
            return 1;
        }
        if (step instanceof Step.Select select) {
            return select.choices().size();
        }
        if (step instanceof Step.Repeat repeat) {
            return repeat.times() * numParts(repeat.body());
        }
        if (step instanceof Step.Fork fork) {
            return fork.isCounted()
                    ? fork.branches().size() * numParts(fork.branches().get(0))
                    : fork.branches().stream().mapToInt(Program::numParts).sum();
        }
        return 0;
    }

    /**
     * Returns the seed of a part: its gen's, mixed with its index, so that parts draw independently and the first one as an ordinary
     * request with that seed.
     */
    static long seed(long seed, int part) {
        long z = part * 0x9E3779B97F4A7C15L; // the finaliser of SplitMix64, which maps 0 to 0
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return seed ^ z ^ (z >>> 31);
    }
}
