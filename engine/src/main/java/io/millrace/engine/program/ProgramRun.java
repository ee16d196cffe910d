package io.millrace.engine.program;

import io.millrace.engine.ChatMessage;
import io.millrace.engine.FinishReason;
import io.millrace.engine.PromptInput;
import io.millrace.engine.PromptInput.Said;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.Scoring;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * How far a program is, given the results so far: it is read from its beginning, and where it needs a part that has no result it
 * waits. So there is no state but the results, and going on after a failure is the same as going on. Reading again costs at most
 * {@link ProgramLimits#maxSteps} steps a result. One thread.
 */
public final class ProgramRun {
    /** Characters of all texts, filled, at most: results can be put in again and again. */
    static final int MAX_CHARS = 1 << 22;

    private static final SamplingParams SCORING = SamplingParams.resolve(SamplingOptions.NONE, 0);

    private final IntFunction<@Nullable PartResult> results;
    private final List<Part> waiting = new ArrayList<>();
    private final List<Result> done = new ArrayList<>();
    private boolean isCutOff;
    private int numChars;

    /** One course of the conversation. */
    private static final class Strand {
        final List<ChatMessage> messages;
        final List<Said> answer;
        final StringBuilder answerText;
        /** Results by name, those from before a fork included. */
        Map<String, String> known;
        /** Those of this branch or round, in order. */
        Map<String, String> own = new LinkedHashMap<>();

        Strand(List<ChatMessage> messages, List<Said> answer, String answerText, Map<String, String> known) {
            this.messages = new ArrayList<>(messages);
            this.answer = new ArrayList<>(answer);
            this.answerText = new StringBuilder(answerText);
            this.known = new LinkedHashMap<>(known);
        }

        Strand copy() {
            return new Strand(messages, answer, answerText.toString(), known);
        }

        void say(ChatMessage.Role role, String text) {
            if (role == ChatMessage.Role.ASSISTANT) {
                add(new Said.Written(text), text);
                return;
            }
            if (!answer.isEmpty()) {
                messages.add(new ChatMessage(ChatMessage.Role.ASSISTANT, answerText.toString()));
                answer.clear();
                answerText.setLength(0);
            }
            messages.add(new ChatMessage(role, text));
        }

        void add(Said said, String text) {
            answer.add(said);
            answerText.append(text);
        }

        void define(String name, String value) {
            known.put(name, value);
            own.put(name, value);
        }
    }

    private ProgramRun(IntFunction<@Nullable PartResult> results) {
        this.results = results;
    }

    /**
     * Reads a program as far as it goes.
     *
     * @param results by part, null = it has none yet
     */
    public static ProgramRun of(Program program, IntFunction<@Nullable PartResult> results) {
        ProgramRun run = new ProgramRun(results);
        run.steps(program.steps(), 0, "", new Strand(List.of(), List.of(), "", Map.of()));
        return run;
    }

    /** Returns the parts that can run now, in order; those that run already are among them. */
    public List<Part> waiting() {
        return List.copyOf(waiting);
    }

    /** Returns whether a part was cancelled or overdue: then nothing further is to be begun. */
    public boolean isCutOff() {
        return isCutOff;
    }

    /** Returns the results that are complete, in the order of the program. */
    public List<Result> done() {
        return List.copyOf(done);
    }

    static boolean isNumbered(String name) {
        return name.indexOf('[') >= 0;
    }

    /** Returns {@code name[i]}, the number in front of those that the name has. */
    static String numbered(String name, int i) {
        int end = name.indexOf('[');
        return end < 0 ? name + "[" + i + "]" : name.substring(0, end) + "[" + i + "]" + name.substring(end);
    }

    /** Runs steps whose first part is {@code first}; returns false if they wait for something. */
    private boolean steps(List<Step> steps, int first, String numbers, Strand strand) {
        int part = first;
        for (Step step : steps) {
            if (!step(step, part, numbers, strand)) {
                return false;
            }
            part += Program.numParts(step);
        }
        return true;
    }

    private boolean step(Step step, int part, String numbers, Strand strand) {
        if (step instanceof Step.Say say) {
            strand.say(say.role(), filled(say.text(), strand));
            return true;
        }
        if (step instanceof Step.Gen gen) {
            return gen(gen, part, numbers, strand);
        }
        if (step instanceof Step.Select select) {
            return select(select, part, numbers, strand);
        }
        return step instanceof Step.Repeat repeat
                ? repeat(repeat, part, numbers, strand)
                : fork((Step.Fork) step, part, numbers, strand);
    }

    private String filled(Template template, Strand strand) {
        String text = template.fill(strand.known, MAX_CHARS - numChars);
        numChars += text.length();
        return text;
    }

    private boolean gen(Step.Gen gen, int part, String numbers, Strand strand) {
        PartResult result = results.apply(part);
        long seed = Program.seed(gen.params().seed(), part);
        if (result == null) {
            SamplingParams params = gen.params().withSeed(seed);
            waiting.add(new Part(part, gen.name() + numbers, turn(strand), params, gen.structure(), null));
            return false;
        }
        done.add(new Result(gen.name() + numbers, part, seed, List.of(), -1));
        if (isCutOff(result)) {
            return false;
        }
        String content = result.finished().content();
        String text = content == null ? "" : content;
        strand.add(
                new Said.Generated(
                        result.finished().tokenIds(), result.finished().text()),
                text);
        strand.define(gen.name(), text);
        return true;
    }

    private boolean select(Step.Select select, int first, String numbers, Strand strand) {
        String name = select.name() + numbers;
        List<Result.Choice> choices = new ArrayList<>();
        boolean isReady = true;
        for (int i = 0; i < select.choices().size(); i++) {
            String text = filled(select.choices().get(i), strand);
            PartResult result = results.apply(first + i);
            if (text.isEmpty()) { // a result that said nothing: there is nothing to score
                choices.add(new Result.Choice(text, Double.NEGATIVE_INFINITY, 0));
            } else if (result == null) {
                waiting.add(new Part(first + i, name, written(strand), SCORING, null, new Scoring(text, 0)));
                isReady = false;
            } else if (isCutOff(result)) {
                isReady = false;
            } else {
                choices.add(new Result.Choice(
                        text, result.logprob(select.isMean()), result.scores().size()));
            }
        }
        if (!isReady) {
            return false;
        }
        int best = 0;
        for (int i = 1; i < choices.size(); i++) {
            best = choices.get(i).logprob() > choices.get(best).logprob() ? i : best;
        }
        done.add(new Result(name, first, null, choices, best));
        String text = choices.get(best).text();
        strand.add(new Said.Written(text), text);
        strand.define(select.name(), text);
        return true;
    }

    private boolean repeat(Step.Repeat repeat, int first, String numbers, Strand strand) {
        Map<String, String> before = strand.own;
        int partsOfRound = Program.numParts(repeat.body());
        for (int i = 0; i < repeat.times(); i++) {
            Map<String, String> knownBefore = new LinkedHashMap<>(strand.known);
            strand.own = new LinkedHashMap<>();
            if (!steps(repeat.body(), first + i * partsOfRound, numbers + "[" + i + "]", strand)) {
                return false;
            }
            Map<String, String> ofRound = strand.own;
            boolean isLast = isLast(repeat.until(), strand);
            strand.own = before;
            strand.known = knownBefore; // numbers of loops inside would be mistaken for this one's
            for (Map.Entry<String, String> e : ofRound.entrySet()) {
                if (!isNumbered(e.getKey())) {
                    strand.define(e.getKey(), e.getValue());
                }
                strand.define(numbered(e.getKey(), i), e.getValue());
            }
            if (isLast) {
                break;
            }
        }
        return true;
    }

    private boolean isLast(Step.@Nullable Until until, Strand strand) {
        return until != null && filled(until.value(), strand).equals(strand.own.get(until.name()));
    }

    private boolean fork(Step.Fork fork, int first, String numbers, Strand strand) {
        boolean isJoined = true;
        int part = first;
        List<Strand> branches = new ArrayList<>();
        for (int i = 0; i < fork.branches().size(); i++) {
            List<Step> steps = fork.branches().get(i);
            Strand branch = strand.copy();
            branches.add(branch);
            isJoined &= steps(steps, part, fork.isCounted() ? numbers + "[" + i + "]" : numbers, branch);
            part += Program.numParts(steps);
        }
        for (int i = 0; isJoined && i < branches.size(); i++) {
            for (Map.Entry<String, String> e : branches.get(i).own.entrySet()) {
                strand.define(fork.isCounted() ? numbered(e.getKey(), i) : e.getKey(), e.getValue());
            }
        }
        return isJoined;
    }

    private boolean isCutOff(PartResult result) {
        FinishReason reason = result.finished().reason();
        boolean isNow = reason == FinishReason.CANCELLED || reason == FinishReason.DEADLINE;
        isCutOff |= isNow;
        return isNow;
    }

    private static PromptInput.Turn turn(Strand strand) {
        return new PromptInput.Turn(strand.messages, strand.answer);
    }

    /** What is scored is the answer's text: an open reasoning is closed ahead of it. */
    private static PromptInput.Turn written(Strand strand) {
        List<Said> answer = new ArrayList<>(strand.answer);
        answer.add(new Said.Written(""));
        return new PromptInput.Turn(strand.messages, answer);
    }
}
