package io.millrace.job.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.job.dataset.Dataset;
import io.millrace.job.dataset.DatasetPlan;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** What {@code generate} says of a dataset. */
final class DatasetReport {
    private DatasetReport() {}

    static void print(Terminal terminal, Path output, DatasetPlan plan, Dataset.Result result, double seconds) {
        Dataset.Totals t = result.totals();
        if (terminal.isJson()) {
            ObjectNode json = new ObjectMapper().createObjectNode();
            json.put("rows", t.rows());
            json.put("errors", t.badRows());
            json.put("rows_cut", t.cutRows());
            json.put("rows_not_read", result.rowsNotRead());
            json.put("samples", t.samples());
            json.put("correct", t.correct());
            json.put("duplicates", t.duplicates());
            json.put("accepted", t.accepted());
            json.put("generation_tokens", t.completionTokens());
            json.put("accepted_tokens", t.acceptedTokens());
            passAt(t, plan).forEach((k, share) -> json.put("pass_at_" + k, share));
            if (plan.isMajorityJudged()) {
                json.put("majority_right", t.majorityRight());
            }
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
        passAt(t, plan)
                .forEach((k, share) ->
                        terminal.say(String.format(Locale.ROOT, "pass@%-4d %5.1f %% of the rows", k, 100 * share)));
        if (plan.isMajorityJudged()) {
            terminal.say(String.format(
                    Locale.ROOT, "maj@%-5d %5.1f %% of the rows", plan.policy().samples(), 100 * t.majorityRight()));
        }
        terminal.say(String.format(Locale.ROOT, "%,d tokens in %.1f s", t.completionTokens(), seconds));
    }

    private static Map<Integer, Double> passAt(Dataset.Totals totals, DatasetPlan plan) {
        return plan.verify() != null ? totals.passAt() : Map.of();
    }
}
