package io.millrace.job.dataset;

import io.millrace.engine.RejectedException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One row's samples, from the first to enough of them. Thread: the run's.
 *
 * <p>With {@code accept}, no more attempts are under way than correct ones are still missing. So no sample is drawn in vain, and how
 * many are drawn depends on the samples only, not on the order in which they come: it is the shortest run of attempts with that many
 * correct ones in it.
 */
final class RowLoop {
    private final Row row;
    private final Question question;
    private final RowPolicy policy;
    private final Map<Integer, Judged> judged = new TreeMap<>();
    private int numLaunched;
    private int numInFlight;
    private int numCorrect;
    private boolean isCut;
    private @Nullable RowError error;

    private record Judged(Sample sample, Verdict verdict) {}

    RowLoop(Row row, Question question, RowPolicy policy) {
        this.row = row;
        this.question = question;
        this.policy = policy;
    }

    Question question() {
        return question;
    }

    /** Returns whether another attempt should start now. */
    boolean wantsAttempt() {
        return error == null
                && !isCut
                && numLaunched < policy.limit()
                && (policy.accept() == 0 || numCorrect + numInFlight < policy.accept());
    }

    /** Starts an attempt. Returns its number, from 0. */
    int launch() {
        numInFlight++;
        return numLaunched++;
    }

    /** Takes an attempt's sample. */
    void end(Sample sample, Verdict verdict) {
        numInFlight--;
        numCorrect += verdict.isCorrect() ? 1 : 0;
        judged.put(sample.attempt(), new Judged(sample, verdict));
    }

    /** Takes an attempt's refusal: the row is bad. */
    void end(RejectedException cause) {
        numInFlight--;
        error = RowError.of(cause);
    }

    /** Starts no further attempt. */
    void cut() {
        isCut = isCut || wantsAttempt();
    }

    boolean isDone() {
        return numInFlight == 0 && !wantsAttempt();
    }

    /** Returns what came out; only when it is done. */
    RowResult result() {
        if (!isDone()) {
            throw new IllegalStateException(question.id() + " isn't done");
        }
        return new RowResult(
                row.index(),
                row.file(),
                row.line(),
                question.id(),
                question.prompt(),
                question.answer(),
                question.columns(),
                error == null ? samples() : List.of(),
                error,
                isCut);
    }

    private List<JudgedSample> samples() {
        String majority = policy.isVote() ? majority() : null;
        List<JudgedSample> samples = new ArrayList<>(judged.size());
        for (Judged j : judged.values()) {
            Verdict v = j.verdict;
            boolean isAccepted =
                    policy.isVote() ? v.extracted() != null && v.extracted().equals(majority) : v.isCorrect();
            String why = v.why() != null ? v.why() : "the majority says " + majority;
            samples.add(new JudgedSample(j.sample, v.isCorrect(), isAccepted, v.extracted(), isAccepted ? null : why));
        }
        return samples;
    }

    /** Returns the answer that most samples have; of several, the one that came first. Null if no sample has one. */
    private @Nullable String majority() {
        Map<String, Integer> votes = new HashMap<>();
        judged.values().forEach(j -> {
            if (j.verdict.extracted() != null) {
                votes.merge(j.verdict.extracted(), 1, Integer::sum);
            }
        });
        String best = null;
        for (Judged j : judged.values()) {
            String candidate = j.verdict.extracted();
            if (candidate != null && (best == null || votes.getOrDefault(candidate, 0) > votes.getOrDefault(best, 0))) {
                best = candidate;
            }
        }
        return best;
    }
}
