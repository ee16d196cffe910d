package io.millrace.job.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.job.dataset.Dataset;
import java.nio.file.Path;
import java.util.Locale;

/** What {@code generate} says of a dataset. */
final class DatasetReport {
    private DatasetReport() {}

    static void print(Terminal terminal, Path output, Dataset.Result result, double seconds) {
        Dataset.Totals t = result.totals();
        if (terminal.isJson()) {
            ObjectNode json = new ObjectMapper().createObjectNode();
            json.put("rows", t.rows());
            json.put("errors", t.badRows());
            json.put("rows_cut", t.cutRows());
            json.put("rows_not_read", result.rowsNotRead());
            json.put("samples", t.samples());
            json.put("correct", t.correct());
            json.put("accepted", t.accepted());
            json.put("generation_tokens", t.completionTokens());
            json.put("seconds", seconds);
            json.put("resumed", result.isResumed());
            json.put("output", output.toString());
            terminal.result(json.toString());
            return;
        }
        terminal.say(String.format(
                Locale.ROOT,
                "%,d of %,d samples of %,d rows in %s%s",
                t.accepted(),
                t.samples(),
                t.rows(),
                output,
                t.badRows() == 0 ? "" : String.format(Locale.ROOT, ", %,d bad rows in errors-*", t.badRows())));
        if (t.cutRows() + result.rowsNotRead() > 0) {
            terminal.say(String.format(
                    Locale.ROOT,
                    "--max-total-tokens ended %,d rows early and left out %,d",
                    t.cutRows(),
                    result.rowsNotRead()));
        }
        terminal.say(String.format(Locale.ROOT, "%,d tokens in %.1f s", t.completionTokens(), seconds));
    }
}
