package io.millrace.operators;

import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * {@code bad_words} as the ids that the engine wants: each word as it stands and with a space ahead, as it looks in the middle of a
 * text. Not journaled: made again from the prompt. Any thread.
 */
final class BadWords {
    private BadWords() {}

    /**
     * Returns the sequences of ids.
     *
     * @throws RejectedException if a word is empty, there are too many, or the model has no tokenizer
     */
    static List<List<Integer>> ids(List<String> words, Tokenizer tokenizer) {
        if (words.isEmpty()) {
            return List.of();
        }
        if (words.size() > SamplingParams.MAX_STOPS) {
            throw rejected(
                    "bad_words has " + words.size() + " entries but must have at most " + SamplingParams.MAX_STOPS);
        }
        if (!tokenizer.hasText()) {
            throw rejected("bad_words is given but the model folder has no tokenizer.json: use logit_bias");
        }
        List<List<Integer>> ids = new ArrayList<>();
        for (String word : words) {
            if (word.isBlank()) {
                throw rejected("bad_words has \"" + word + "\" but each must have a visible character");
            }
            for (String variant : List.of(word, " " + word)) {
                List<Integer> sequence =
                        Arrays.stream(tokenizer.encode(variant, false)).boxed().toList();
                if (!ids.contains(sequence)) {
                    ids.add(sequence);
                }
            }
        }
        return ids;
    }

    private static RejectedException rejected(String message) {
        return new RejectedException(Stage.VALIDATE, false, message);
    }
}
