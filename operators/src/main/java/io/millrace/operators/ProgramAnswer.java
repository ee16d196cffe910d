package io.millrace.operators;

import io.millrace.engine.EngineEvent.Finished;
import io.millrace.engine.FinishReason;
import io.millrace.engine.program.Result;
import io.millrace.schemas.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a program's completion says: its results by name, the last of them as its one choice, the usage of all parts. Any thread. */
final class ProgramAnswer {
    private ProgramAnswer() {}

    /**
     * Returns the results.
     *
     * @param samples by part
     */
    static List<Completion.Result> results(RunningProgram program, List<SampleProgress> samples) {
        List<Completion.Result> results = new ArrayList<>();
        for (Result result : program.results()) {
            results.add(result.chosen() < 0 ? drawn(result, samples) : chosen(result, samples));
        }
        return results;
    }

    private static Completion.Result drawn(Result result, List<SampleProgress> samples) {
        Finished part = finished(samples, result.firstPart());
        return new Completion.Result(
                result.name(),
                part.content(),
                part.reasoning(),
                part.reason().wireName(),
                result.seed(),
                part.stats().promptTokenIds().length,
                part.tokenIds().length,
                List.of());
    }

    private static Completion.Result chosen(Result result, List<SampleProgress> samples) {
        List<Completion.Candidate> candidates = new ArrayList<>();
        int promptTokens = 0;
        for (int i = 0; i < result.choices().size(); i++) {
            Result.Choice choice = result.choices().get(i);
            candidates.add(new Completion.Candidate(choice.text(), choice.logprob(), choice.numTokens()));
            if (choice.numTokens() > 0) {
                promptTokens +=
                        finished(samples, result.firstPart() + i).stats().promptTokenIds().length;
            }
        }
        return new Completion.Result(
                result.name(),
                result.chosenText(),
                null,
                FinishReason.STOP.wireName(),
                null,
                promptTokens,
                0,
                candidates);
    }

    /** Returns the last result as the answer, whose finish reason says whether the program came to its end. */
    static Completion.Choice choice(RunningProgram program, List<SampleProgress> samples) {
        List<Result> results = program.results();
        @Nullable Result last = results.isEmpty() ? null : results.get(results.size() - 1);
        @Nullable Finished part = last == null || last.chosen() >= 0 ? null : finished(samples, last.firstPart());
        @Nullable String chosen = last == null ? null : last.chosenText();
        @Nullable FinishReason cutOff = program.cutOff();
        FinishReason reason = cutOff != null ? cutOff : part != null ? part.reason() : FinishReason.STOP;
        String text = part != null ? part.text() : chosen != null ? chosen : "";
        return new Completion.Choice(
                0,
                part != null ? part.content() : chosen,
                part != null ? part.reasoning() : null,
                text,
                reason.wireName(),
                null,
                null);
    }

    static Completion.Usage usage(List<Finished> parts) {
        return new Completion.Usage(
                parts.stream().mapToInt(p -> p.stats().promptTokenIds().length).sum(),
                parts.stream().mapToInt(p -> p.tokenIds().length).sum(),
                parts.stream().mapToInt(p -> p.stats().cachedTokens()).sum(),
                parts.stream().mapToInt(Finished::reasoningTokens).sum());
    }

    private static Finished finished(List<SampleProgress> samples, int part) {
        return Objects.requireNonNull(samples.get(part).result(), "a result's part is done");
    }
}
