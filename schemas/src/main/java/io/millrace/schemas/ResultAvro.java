package io.millrace.schemas;

import io.millrace.schemas.avro.CandidateRecord;
import io.millrace.schemas.avro.ResultRecord;

/** A program's result as Avro. Any thread. */
final class ResultAvro {
    private ResultAvro() {}

    static ResultRecord write(Completion.Result result) {
        return new ResultRecord(
                result.name(),
                result.text(),
                result.reasoningContent(),
                result.finishReason(),
                result.seed(),
                result.promptTokens(),
                result.completionTokens(),
                result.candidates().stream()
                        .map(c -> new CandidateRecord(
                                c.text(), Double.isFinite(c.logprob()) ? c.logprob() : null, c.tokens()))
                        .toList());
    }

    static Completion.Result read(ResultRecord in) {
        return new Completion.Result(
                in.getName(),
                in.getText(),
                in.getReasoningContent(),
                in.getFinishReason(),
                in.getSeed(),
                in.getPromptTokens(),
                in.getCompletionTokens(),
                in.getCandidates().stream()
                        .map(c -> new Completion.Candidate(
                                c.getText(), c.getLogprob() == null ? Double.NaN : c.getLogprob(), c.getTokens()))
                        .toList());
    }
}
