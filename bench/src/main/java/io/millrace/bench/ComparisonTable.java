package io.millrace.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Comparisons of the same two ways, one row for each concurrency, beside what was published. Thread: one. */
final class ComparisonTable {
    static final String NOTE =
            "tok/s up to the last token, without the wait for a commit; of each way the run with the median. "
                    + "Published: " + PublishedServing.SOURCE + ".";

    private ComparisonTable() {}

    /** Returns the title of each column. */
    static String[] header(List<PairedComparison> comparisons) {
        String baseline = comparisons.get(0).baseline();
        String other = comparisons.get(0).other();
        return new String[] {
            "Users",
            "Tokens in / out",
            "Running at once",
            baseline + " tok/s",
            other + " tok/s",
            other + " / " + baseline,
            other + " tok/s per user",
            "Published tok/s",
            "Published per user"
        };
    }

    /** Returns the cells of one row. */
    static String[] row(PairedComparison c) {
        Workload w = c.workload();
        double other = c.typicalOther().engineThroughput();
        Optional<PublishedServing> published = PublishedServing.of(w);
        return new String[] {
            LineChart.label(w.concurrency()),
            LineChart.label(w.inputTokens()) + " / " + LineChart.label(w.outputTokens()),
            LineChart.label(c.leastPeakRunning()),
            LineChart.label(c.typicalBaseline().engineThroughput()),
            LineChart.label(other),
            String.format(Locale.ROOT, "%.3f", c.throughputRatio()),
            LineChart.label(other / w.concurrency()),
            published.map(p -> LineChart.label(p.total())).orElse("–"),
            published.map(p -> LineChart.label(p.perUser())).orElse("–")
        };
    }

    /** Returns the table for a terminal, columns to the right. */
    static String text(List<PairedComparison> comparisons) {
        List<String[]> rows = new ArrayList<>();
        rows.add(header(comparisons));
        comparisons.forEach(c -> rows.add(row(c)));
        StringBuilder out = new StringBuilder();
        for (String[] cells : rows) {
            for (int i = 0; i < cells.length; i++) {
                int column = i;
                int width =
                        rows.stream().mapToInt(r -> r[column].length()).max().orElseThrow();
                out.append(" ".repeat(width - cells[i].length())).append(cells[i]);
                out.append(i == cells.length - 1 ? "\n" : "  ");
            }
        }
        return out.append(NOTE).append('\n').toString();
    }
}
