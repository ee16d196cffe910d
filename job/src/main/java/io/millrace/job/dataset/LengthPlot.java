package io.millrace.job.dataset;

import java.util.Locale;
import java.util.Map;

/** The lengths of accepted samples as an SVG of bars, four per doubling. Looks the same on light and dark paper. */
final class LengthPlot {
    private static final int BAR_WIDTH = 16;
    private static final int HEIGHT = 120;
    private static final int LABEL_HEIGHT = 34;
    private static final int BARS_PER_LABEL = 4;

    private LengthPlot() {}

    /**
     * Draws it.
     *
     * @param byBucket samples by {@link Tally#lengthBucket}
     */
    static String svg(Map<Integer, Long> byBucket) {
        int first = byBucket.keySet().stream().mapToInt(Integer::intValue).min().orElse(0);
        int last = byBucket.keySet().stream().mapToInt(Integer::intValue).max().orElse(0);
        first -= Math.floorMod(first, BARS_PER_LABEL);
        long most = byBucket.values().stream().mapToLong(Long::longValue).max().orElse(1);
        int width = Math.max(320, (last - first + 2) * BAR_WIDTH);
        StringBuilder sb = new StringBuilder(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\""
                        + " font-size=\"11\" fill=\"#888\">\n<title>Accepted samples by generated tokens</title>\n",
                width,
                HEIGHT + LABEL_HEIGHT));
        for (int bucket = first; bucket <= last; bucket++) {
            long count = byBucket.getOrDefault(bucket, 0L);
            int x = (bucket - first) * BAR_WIDTH;
            double height = HEIGHT * 0.9 * count / most;
            sb.append(String.format(
                    Locale.ROOT,
                    "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"#4878a8\"><title>%d to %d tokens: %,d"
                            + "</title></rect>\n",
                    x,
                    HEIGHT - height,
                    BAR_WIDTH - 2,
                    height,
                    firstTokens(bucket),
                    firstTokens(bucket + 1) - 1,
                    count));
            if (bucket % BARS_PER_LABEL == 0) {
                sb.append(String.format(
                        Locale.ROOT, "<text x=\"%d\" y=\"%d\">%d</text>\n", x, HEIGHT + 14, firstTokens(bucket)));
            }
        }
        sb.append(String.format(
                Locale.ROOT, "<text x=\"0\" y=\"%d\">generated tokens (log scale)</text>\n</svg>\n", HEIGHT + 30));
        return sb.toString();
    }

    /** Returns the fewest tokens that are in a bucket or a later one. */
    static int firstTokens(int bucket) {
        return (int) Math.ceil(Math.pow(2, bucket / 4.0) - 1e-9);
    }
}
