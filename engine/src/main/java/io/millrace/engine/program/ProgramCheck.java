package io.millrace.engine.program;

import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.SamplingParams;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Bounds of a program, unrolled, and whether every name that it refers to is there when it is needed. One thread. */
final class ProgramCheck {
    /** Of all steps: a name stands for one step. */
    private final Set<String> taken = new HashSet<>();

    private ProgramCheck() {}

    /** Checks. */
    static void of(Program program, ProgramLimits limits) {
        long numSteps = numSteps(program.steps(), limits.maxSteps());
        if (numSteps > limits.maxSteps()) {
            throw rejected(
                    "program has more than %,d steps with its rounds and branches unrolled: make it shorter or raise"
                            + " max-program-steps",
                    limits.maxSteps());
        }
        if (Program.numParts(program.steps()) == 0) {
            throw rejected("program has neither gen nor select: give it one");
        }
        long numTokens = numTokens(program.steps(), limits.contextTokens());
        if (numTokens > limits.maxTokens()) {
            throw rejected(
                    "program may make %,d tokens but the limit is %,d: give its gens a lower max_tokens (without one, a gen"
                            + " counts as %,d) or raise max-program-tokens",
                    numTokens, limits.maxTokens(), limits.contextTokens());
        }
        new ProgramCheck().names(program.steps(), new LinkedHashSet<>());
    }

    /** Stops counting above the limit, so that no product of rounds overflows. */
    private static long numSteps(List<Step> steps, long limit) {
        long sum = 0;
        for (Step step : steps) {
            sum += numSteps(step, limit);
            if (sum > limit) {
                return limit + 1;
            }
        }
        return sum;
    }

    private static long numSteps(Step step, long limit) {
        if (step instanceof Step.Select select) {
            return select.choices().size();
        }
        if (step instanceof Step.Repeat repeat) {
            return Math.min(limit + 1, repeat.times() * numSteps(repeat.body(), limit));
        }
        if (step instanceof Step.Fork fork) {
            if (fork.isCounted()) {
                return Math.min(
                        limit + 1,
                        fork.branches().size() * numSteps(fork.branches().get(0), limit));
            }
            long sum = 0;
            for (List<Step> branch : fork.branches()) {
                sum = Math.min(limit + 1, sum + numSteps(branch, limit));
            }
            return sum;
        }
        return 1;
    }

    private static long numTokens(List<Step> steps, int contextTokens) {
        long sum = 0;
        for (Step step : steps) {
            if (step instanceof Step.Gen gen) {
                int maxTokens = gen.params().maxTokens();
                sum += maxTokens == SamplingParams.REST_OF_CONTEXT ? contextTokens : maxTokens;
            } else if (step instanceof Step.Repeat repeat) {
                sum += repeat.times() * numTokens(repeat.body(), contextTokens);
            } else if (step instanceof Step.Fork fork) {
                for (List<Step> branch : fork.branches()) {
                    sum += numTokens(branch, contextTokens);
                }
            }
        }
        return sum;
    }

    /** Adds the names that are known behind the steps to those known before. */
    private void names(List<Step> steps, Set<String> known) {
        for (Step step : steps) {
            if (step instanceof Step.Say say) {
                refer(say.text(), known);
            } else if (step instanceof Step.Gen gen) {
                define(gen.name(), known);
            } else if (step instanceof Step.Select select) {
                select.choices().forEach(choice -> refer(choice, known));
                define(select.name(), known);
            } else if (step instanceof Step.Repeat repeat) {
                loop(repeat, known);
            } else {
                fork((Step.Fork) step, known);
            }
        }
    }

    private void loop(Step.Repeat repeat, Set<String> known) {
        Set<String> round = new LinkedHashSet<>(known);
        names(repeat.body(), round);
        Step.Until until = repeat.until();
        if (until != null) {
            refer(until.value(), round);
        }
        round.removeAll(known);
        if (until != null && !round.contains(until.name())) {
            throw rejected(
                    "until waits for \"%s\" but the repeat's steps have no such result: name one of them",
                    until.name());
        }
        round.stream().filter(name -> !ProgramRun.isNumbered(name)).forEach(known::add);
        int numSure = until == null ? repeat.times() : 1;
        for (int i = 0; i < numSure; i++) {
            for (String name : round) {
                known.add(ProgramRun.numbered(name, i));
            }
        }
    }

    private void fork(Step.Fork fork, Set<String> known) {
        Set<String> joined = new LinkedHashSet<>();
        Set<String> ofFirst = Set.of();
        for (int i = 0; i < fork.branches().size(); i++) {
            Set<String> branch = new LinkedHashSet<>(known);
            if (i == 0 || !fork.isCounted()) {
                names(fork.branches().get(i), branch);
                branch.removeAll(known);
                ofFirst = branch;
            }
            for (String name : ofFirst) {
                joined.add(fork.isCounted() ? ProgramRun.numbered(name, i) : name);
            }
        }
        known.addAll(joined);
    }

    private void define(String name, Set<String> known) {
        if (!taken.add(name)) {
            throw rejected("\"%s\" names two results: give each gen and select a name of its own", name);
        }
        known.add(name);
    }

    private static void refer(Template text, Set<String> known) {
        for (Template.Piece piece : text.pieces()) {
            if (piece instanceof Template.Piece.Result result && !known.contains(result.name())) {
                throw rejected(
                        "{%s} is no result that is sure to be there: those are %s; write {{ and }} for braces themselves",
                        result.name(), shown(known));
            }
            if (piece instanceof Template.Piece.Each each && !known.contains(each.name() + "[0]")) {
                throw rejected("{%s[*]} has no numbered results: those known here are %s", each.name(), shown(known));
            }
        }
    }

    private static String shown(Set<String> known) {
        return known.isEmpty()
                ? "none"
                : String.join(", ", known.stream().limit(8).toList()) + (known.size() > 8 ? ", …" : "");
    }

    private static RejectedException rejected(String format, Object... values) {
        return new RejectedException(Stage.VALIDATE, false, String.format(Locale.ROOT, format, values));
    }
}
