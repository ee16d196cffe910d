package io.millrace.job.dataset;

import java.math.BigDecimal;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Short answers as text: where they are, and when two are the same. Any thread. */
final class AnswerText {
    private static final String BOXED = "\\boxed{";
    private static final Pattern NUMBER = Pattern.compile("[+-]?\\d{1,40}(\\.\\d{1,40})?");
    private static final Pattern THOUSANDS = Pattern.compile("[+-]?\\d{1,3}(,\\d{3})+(\\.\\d+)?");

    private AnswerText() {}

    /** Returns what stands in the last {@code \boxed{…}} whose braces are balanced, null if there is none. */
    static @Nullable String lastBoxed(String text) {
        for (int at = text.lastIndexOf(BOXED); at >= 0; at = text.lastIndexOf(BOXED, at - 1)) {
            int depth = 1;
            for (int i = at + BOXED.length(); i < text.length(); i++) {
                char c = text.charAt(i);
                depth += c == '{' ? 1 : c == '}' ? -1 : 0;
                if (depth == 0) {
                    return text.substring(at + BOXED.length(), i);
                }
            }
        }
        return null;
    }

    /**
     * Returns an answer without what doesn't change it: spaces around it and runs of them inside, {@code $} around it, commas between
     * thousands, and a number's plus sign and zeros ({@code 1,200.50} and {@code +1200.5} are the same).
     */
    static String plain(String answer) {
        String s = answer.strip().replaceAll("\\s+", " ");
        if (s.length() > 2 && s.startsWith("$") && s.endsWith("$")) {
            s = s.substring(1, s.length() - 1).strip();
        }
        if (THOUSANDS.matcher(s).matches()) {
            s = s.replace(",", "");
        }
        if (NUMBER.matcher(s).matches()) {
            BigDecimal number = new BigDecimal(s);
            return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
        }
        return s;
    }
}
