package io.millrace.engine.program;

import io.millrace.engine.ChatMessage;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.structure.Structure;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One step of a {@link Program}. Immutable. */
public sealed interface Step {
    /** Adds text to the conversation: a system or user turn, or what the assistant says next in its own turn. */
    record Say(ChatMessage.Role role, Template text) implements Step {}

    /**
     * Lets the model say what comes next.
     *
     * @param name of the result
     * @param params sampling, resolved; of one sample
     * @param structure what the text must look like, null = anything
     */
    record Gen(String name, SamplingParams params, @Nullable Structure structure) implements Step {}

    /**
     * Says the likeliest of some texts; the first one of equals. An empty one is the least likely.
     *
     * @param name of the result
     * @param choices at least one
     * @param isMean whether the mean log-probability per token decides, or the sum: that of the whole text
     */
    record Select(String name, List<Template> choices, boolean isMean) implements Step {
        /** Copies the list. */
        public Select {
            choices = List.copyOf(choices);
        }
    }

    /**
     * Runs branches beside each other, each from the conversation as it is here, and goes on from it when all are through; of the
     * branches only the results stay.
     *
     * @param branches at least one
     * @param isCounted whether the branches are copies of one, whose results are told apart as {@code name[0]}, {@code name[1]} …
     */
    record Fork(List<List<Step>> branches, boolean isCounted) implements Step {
        /** Copies the lists. */
        public Fork {
            branches = branches.stream().map(List::copyOf).toList();
        }

        /** Returns a fork of equal branches. */
        public static Fork of(int count, List<Step> branch) {
            return new Fork(Collections.nCopies(count, branch), true);
        }
    }

    /**
     * Runs steps several times in the same conversation.
     *
     * @param times rounds at most, ≥ 1
     * @param body steps of a round; its results are {@code name[0]}, {@code name[1]} … by round, and {@code name} the latest one
     * @param until ends the loop early, null = never
     */
    record Repeat(int times, List<Step> body, @Nullable Until until) implements Step {
        /** Copies the list. */
        public Repeat {
            body = List.copyOf(body);
        }
    }

    /** Holds after a round whose result {@code name} is {@code value}. */
    record Until(String name, Template value) {}
}
