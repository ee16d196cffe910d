package io.millrace.engine.program;

import io.millrace.engine.ChatMessage;
import io.millrace.engine.EngineEvent;
import io.millrace.engine.FinishReason;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.TokenLogprobs;
import java.util.Arrays;
import java.util.List;

/** Short ways to write programs and results. */
final class Steps {
    static final ProgramLimits LIMITS = new ProgramLimits(100, 10_000, 2048);

    private Steps() {}

    static Step user(String text) {
        return new Step.Say(ChatMessage.Role.USER, Template.parse(text, "user"));
    }

    static Step assistant(String text) {
        return new Step.Say(ChatMessage.Role.ASSISTANT, Template.parse(text, "assistant"));
    }

    static Step gen(String name) {
        return gen(name, 16);
    }

    static Step gen(String name, Integer maxTokens) {
        SamplingOptions options = new SamplingOptions(
                maxTokens, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
        return new Step.Gen(name, SamplingParams.resolve(options, 77), null);
    }

    static Step select(String name, String... choices) {
        return new Step.Select(
                name, Arrays.stream(choices).map(c -> Template.parse(c, "from")).toList(), true);
    }

    static Program program(Step... steps) {
        return new Program(List.of(steps));
    }

    /** What a draw brought; its one id is the part's index. */
    static PartResult drawn(int part, String text, FinishReason reason) {
        return new PartResult(finished(new int[] {part}, text, reason), List.of());
    }

    /** A scored choice with a token for each log-probability. */
    static PartResult scored(double... logprobs) {
        List<TokenLogprobs> tokens = Arrays.stream(logprobs)
                .mapToObj(p -> new TokenLogprobs(new int[] {1}, new float[] {(float) p}))
                .toList();
        return new PartResult(finished(new int[0], "", FinishReason.STOP), tokens);
    }

    private static EngineEvent.Finished finished(int[] ids, String text, FinishReason reason) {
        EngineEvent.SampleStats stats = new EngineEvent.SampleStats(new int[] {0}, 0, 0, 0, 0, 0, 1, 1);
        return new EngineEvent.Finished(0, reason, null, text, text, ids, 0, stats);
    }
}
