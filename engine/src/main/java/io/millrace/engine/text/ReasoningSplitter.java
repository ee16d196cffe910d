package io.millrace.engine.text;

import org.jspecify.annotations.Nullable;

/**
 * Splits generated text into reasoning and answer as it comes. Not thread-safe: one sample, one thread at a time.
 *
 * <p>The reasoning is open if the prompt opened it, or if the first thing generated is {@code <think>}, which is dropped
 * with the blanks before it. It ends at the first {@code </think>}; without one, all of it is reasoning. Newlines around the
 * reasoning and before the answer behind it are dropped, trailing ones by holding them back. Where the vocabulary has the
 * two tags as tokens, only those tokens count and the caller says where they are; else the text decides.
 */
final class ReasoningSplitter {
    private static final String OPEN = ChatTemplate.THINK;
    private static final String CLOSE = ChatTemplate.END_THINK;
    private static final int NOWHERE = -1;

    private enum Part {
        /** Nothing but blanks so far. */
        START,
        REASONING,
        /** Behind the close tag, before the answer's first character that isn't a newline. */
        BETWEEN,
        CONTENT
    }

    private final boolean startsInside;
    private final boolean isById;
    private final StringBuilder held = new StringBuilder();
    /** Position of {@link #held} in the generated text. */
    private int heldAt;
    /** How many characters of {@link #held} are known to be blank. Used in START only. */
    private int numBlank;

    private int openAt = NOWHERE;
    private int closeAt = NOWHERE;
    private int closeEnd = NOWHERE;
    private Part part = Part.START;
    private boolean hasReasoning;
    private final StringBuilder reasoning = new StringBuilder();
    /** Newlines behind {@link #reasoning}, which belong to it only if something follows. */
    private final StringBuilder newlines = new StringBuilder();

    private final StringBuilder content = new StringBuilder();
    private int takenReasoning;
    private int takenContent;

    /**
     * Starts a text.
     *
     * @param startsInside the prompt left the reasoning open
     * @param isById tags count only where {@link #openAt} and {@link #closeAt} say so
     */
    ReasoningSplitter(boolean startsInside, boolean isById) {
        this.startsInside = startsInside;
        this.isById = isById;
    }

    /** Says that an open token's text starts at this character of the generated text; call before appending it. */
    void openAt(int position) {
        openAt = openAt == NOWHERE ? position : openAt;
    }

    /** Says that a close token's text starts at this character of the generated text; call before appending it. */
    void closeAt(int position) {
        closeAt = closeAt == NOWHERE ? position : closeAt;
    }

    void append(String text) {
        held.append(text);
        route(false);
    }

    /** Ends the text: a tag that is still incomplete is text. */
    void finish() {
        route(true);
    }

    private void route(boolean isLast) {
        boolean isAgain = true;
        while (isAgain) {
            isAgain = switch (part) {
                case START -> start(isLast);
                case REASONING -> reason(isLast);
                case BETWEEN -> between();
                case CONTENT -> answer();
            };
        }
    }

    // Each of the four takes from the held text what it can, and returns whether the next part has to look at the rest.

    private boolean start(boolean isLast) {
        while (numBlank < held.length() && Character.isWhitespace(held.charAt(numBlank))) {
            numBlank++;
        }
        String first = held.substring(numBlank, Math.min(held.length(), numBlank + OPEN.length()));
        boolean canBeOpen = isById ? first.isEmpty() || openAt == numBlank : OPEN.startsWith(first);
        if (canBeOpen && first.length() < OPEN.length() && !isLast) {
            return false;
        }
        boolean isOpen = canBeOpen && first.length() == OPEN.length();
        if (isOpen) {
            drop(numBlank + OPEN.length());
        }
        hasReasoning = isOpen || startsInside;
        part = hasReasoning ? Part.REASONING : Part.CONTENT;
        return true;
    }

    private boolean reason(boolean isLast) {
        int close = !isById ? held.indexOf(CLOSE) : closeAt == NOWHERE ? NOWHERE : closeAt - heldAt;
        if (close != NOWHERE && held.length() >= close + CLOSE.length()) {
            addReasoning(close);
            drop(close + CLOSE.length());
            closeEnd = heldAt;
            part = Part.BETWEEN;
            return true;
        }
        int end = held.length();
        if (!isLast) {
            end = close != NOWHERE ? Math.min(close, end) : isById ? end : end - lengthOfCloseBegun();
        }
        addReasoning(end);
        drop(end);
        return false;
    }

    private int lengthOfCloseBegun() {
        for (int n = Math.min(held.length(), CLOSE.length() - 1); n > 0; n--) {
            if (CLOSE.startsWith(held.substring(held.length() - n))) {
                return n;
            }
        }
        return 0;
    }

    private void addReasoning(int end) {
        int from = 0;
        while (reasoning.length() == 0 && from < end && isNewline(held.charAt(from))) {
            from++;
        }
        int to = end;
        while (to > from && isNewline(held.charAt(to - 1))) {
            to--;
        }
        if (to > from) {
            reasoning.append(newlines).append(held, from, to);
            newlines.setLength(0);
        }
        newlines.append(held, to, end);
    }

    private boolean between() {
        int n = 0;
        while (n < held.length() && isNewline(held.charAt(n))) {
            n++;
        }
        drop(n);
        if (held.length() == 0) {
            return false;
        }
        part = Part.CONTENT;
        return true;
    }

    private boolean answer() {
        content.append(held);
        drop(held.length());
        return false;
    }

    private static boolean isNewline(char c) {
        return c == '\n' || c == '\r';
    }

    private void drop(int count) {
        held.delete(0, count);
        heldAt += count;
    }

    /** Returns the reasoning that came since the last call. */
    String takeReasoning() {
        String out = reasoning.substring(takenReasoning);
        takenReasoning = reasoning.length();
        return out;
    }

    /** Returns the answer's text that came since the last call. */
    String takeContent() {
        String out = content.substring(takenContent);
        takenContent = content.length();
        return out;
    }

    /** After {@link #finish}: the whole reasoning, null if there was none. */
    @Nullable
    String reasoning() {
        return hasReasoning ? reasoning.toString() : null;
    }

    /** After {@link #finish}: the whole answer, null if the text ended inside the reasoning. */
    @Nullable
    String content() {
        return part == Part.REASONING ? null : content.toString();
    }

    /** Returns the position behind the close tag in the generated text, −1 if the reasoning wasn't closed. */
    int closeEnd() {
        return closeEnd;
    }
}
