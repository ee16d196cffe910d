package io.millrace.engine.text;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The text of one sample, from its tokens: decoded, ended at a stop string, split into reasoning and answer. Not
 * thread-safe: one sample, one thread at a time.
 *
 * <p>Stop strings are searched in the whole text, the reasoning and its tags included. The deltas of all calls together are
 * the final strings; none ends inside a character.
 */
public final class SampleText {
    private final StreamDetokenizer detokenizer;
    private final StopMatcher stops;
    private final ReasoningSplitter splitter;
    private final Set<Integer> hiddenIds;
    private final int minTokens;
    private final OptionalInt think;
    private final OptionalInt endThink;

    private final StringBuilder text = new StringBuilder();
    /** Decoded characters, held-back ones included. */
    private int numChars;
    /** [numTokens] i32, then spare: decoded characters before each token. */
    private int[] charsBefore = new int[64];

    private int numTokens;
    private int numHiddenAtEnd;

    /**
     * What one token brought.
     *
     * @param reasoningDelta new whole characters of the reasoning, maybe empty
     * @param contentDelta new whole characters of the answer, maybe empty
     * @param isStopped a stop string is complete: this token was the sample's last
     */
    public record Appended(String reasoningDelta, String contentDelta, boolean isStopped) {}

    /**
     * The whole sample.
     *
     * @param reasoning null if the model had none
     * @param content null if it ended inside its reasoning
     * @param text everything as one string, hidden ids left out, cut before a stop string
     * @param reasoningTokens tokens up to and including {@code </think>}; all but the end token if the reasoning wasn't closed
     * @param reasoningDelta last part of the reasoning, maybe empty
     * @param contentDelta last part of the answer, maybe empty
     */
    public record Finished(
            @Nullable String reasoning,
            @Nullable String content,
            String text,
            int reasoningTokens,
            String reasoningDelta,
            String contentDelta) {}

    /**
     * Starts a sample.
     *
     * @param startsInside the prompt left the reasoning open: {@link ChatTemplate#startsInsideReasoning}
     * @param stopStrings none empty
     * @param hiddenIds ids that are no text: end tokens and stop ids
     * @param minTokens a stop string counts only if a later token than this many completes it
     */
    public SampleText(
            Tokenizer tokenizer,
            boolean startsInside,
            List<String> stopStrings,
            Set<Integer> hiddenIds,
            int minTokens) {
        detokenizer = new StreamDetokenizer(tokenizer);
        stops = new StopMatcher(stopStrings);
        think = tokenizer.idOf(ChatTemplate.THINK);
        endThink = tokenizer.idOf(ChatTemplate.END_THINK);
        splitter = new ReasoningSplitter(startsInside, think.isPresent() && endThink.isPresent());
        this.hiddenIds = Set.copyOf(hiddenIds);
        this.minTokens = minTokens;
    }

    /**
     * Takes the next token, hidden ones too.
     *
     * @throws IllegalStateException after a stop string
     */
    public Appended append(int tokenId) {
        if (numTokens == charsBefore.length) {
            charsBefore = Arrays.copyOf(charsBefore, numTokens * 2);
        }
        charsBefore[numTokens++] = numChars;
        boolean isHidden = hiddenIds.contains(tokenId);
        numHiddenAtEnd = isHidden ? numHiddenAtEnd + 1 : 0;
        String decoded = isHidden ? "" : detokenizer.append(tokenId);
        numChars += decoded.length();
        if (!isHidden && think.equals(OptionalInt.of(tokenId))) {
            splitter.openAt(numChars - ChatTemplate.THINK.length());
        }
        if (!isHidden && endThink.equals(OptionalInt.of(tokenId))) {
            splitter.closeAt(numChars - ChatTemplate.END_THINK.length());
        }
        release(stops.append(decoded, numTokens > minTokens));
        return new Appended(splitter.takeReasoning(), splitter.takeContent(), stops.isStopped());
    }

    private void release(String released) {
        text.append(released);
        splitter.append(released);
    }

    /** Ends the sample and gives out what was held back; call once. */
    public Finished finish() {
        if (!stops.isStopped()) {
            release(stops.append(detokenizer.finish(), false));
            release(stops.finish());
        }
        splitter.finish();
        return new Finished(
                splitter.reasoning(),
                splitter.content(),
                text.toString(),
                reasoningTokens(),
                splitter.takeReasoning(),
                splitter.takeContent());
    }

    private int reasoningTokens() {
        if (splitter.reasoning() == null) {
            return 0;
        }
        int end = splitter.closeEnd();
        if (end < 0) {
            return numTokens - numHiddenAtEnd;
        }
        int count = Arrays.binarySearch(charsBefore, 0, numTokens, end);
        count = count < 0 ? -count - 1 : count;
        while (count > 0
                && charsBefore[count - 1] == end) { // several tokens may start here; none of them belongs to it
            count--;
        }
        return count;
    }
}
