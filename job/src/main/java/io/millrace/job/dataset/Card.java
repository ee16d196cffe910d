package io.millrace.job.dataset;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A dataset's README.md: where it comes from and what is in it, all from the plan, the provenance and the tally. */
final class Card {
    private final StringBuilder text = new StringBuilder();

    private Card() {}

    /**
     * Writes one.
     *
     * @param name of the dataset
     * @param suffix of its data files
     * @param rowsNotRead input rows that the token budget left out
     */
    static String of(
            String name, String suffix, DatasetPlan plan, Provenance provenance, Tally tally, long rowsNotRead) {
        Card card = new Card();
        card.line("---");
        card.line("configs:");
        card.line("- config_name: default");
        card.line("  data_files: data-*" + suffix);
        card.line("---");
        card.line("# " + name);
        card.line("");
        card.line(String.format(
                Locale.ROOT,
                "%,d samples of `%s` for %,d rows. Every file's SHA-256 is in `manifest.json`.",
                tally.accepted,
                provenance.model(),
                tally.rows));
        card.provenance(plan, provenance);
        card.counts(plan, tally, rowsNotRead);
        card.rates(plan, tally);
        card.lengths(tally);
        return card.text.toString();
    }

    private void line(String line) {
        text.append(line).append('\n');
    }

    private void table(String title, String left, String right) {
        line("");
        line("## " + title);
        line("");
        line("| " + left + " | " + right + " |");
        line("| --- | --- |");
    }

    private void row(String left, String right) {
        line("| " + left + " | " + right.replace("|", "\\|").replace("\n", " ") + " |");
    }

    private void row(String left, long count) {
        row(left, String.format(Locale.ROOT, "%,d", count));
    }

    private void provenance(DatasetPlan plan, Provenance p) {
        table("Provenance", "what", "value");
        row("model", p.model());
        row("model hash", "`" + p.modelHash() + "`");
        row("back end", p.backend());
        row("sampling", code(p.sampling()));
        for (String setting : plan.settings().lines().toList()) {
            int colon = setting.indexOf(": ");
            String value = setting.substring(colon + 2);
            if (!List.of("none", "0", "false").contains(value)) {
                row(setting.substring(0, colon), code(value));
            }
        }
        line("");
        line("```sh");
        line(p.command());
        line("```");
    }

    private static String code(String text) {
        return text.contains("`") ? "`` " + text + " ``" : "`" + text + "`";
    }

    private void counts(DatasetPlan plan, Tally t, long rowsNotRead) {
        table("Counts", "what", "count");
        row("input rows read", t.rows);
        row("bad rows (`errors-*`)", t.badRows);
        row("rows that `--max-total-tokens` ended early", t.cutRows);
        row("rows that it left out", rowsNotRead);
        row("samples drawn", t.samples);
        if (plan.verify() != null) {
            row("correct", t.correct);
        }
        if (plan.dedup() > 0) {
            row("left out as near-duplicates", t.duplicates);
        }
        row("accepted (`data-*`)", t.accepted);
        row("tokens generated", t.completionTokens);
        row("tokens of accepted samples", t.acceptedTokens);
        t.finishReasons.forEach((reason, count) -> row("samples that ended with `" + reason + "`", count));
        table("Accepted samples per row", "samples", "rows");
        t.rowsByAccepted.forEach((accepted, rows) -> row(String.valueOf(accepted), rows));
    }

    private void rates(DatasetPlan plan, Tally t) {
        if (plan.verify() == null || t.samples == 0) {
            return;
        }
        table("Rates", "what", "share");
        row("samples that are correct", percent((double) t.correct / t.samples));
        row("samples that are accepted", percent((double) t.accepted / t.samples));
        row(
                "tokens that are in accepted samples",
                percent((double) t.acceptedTokens / Math.max(1, t.completionTokens)));
        for (Map.Entry<Integer, Double> pass : t.passTable().entrySet()) {
            row(
                    "rows with a correct sample among the first " + pass.getKey() + " (pass@" + pass.getKey() + ")",
                    percent(pass.getValue()));
        }
        if (plan.isMajorityJudged()) {
            row("rows whose majority is right", percent(t.majorityRight()));
        }
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * share);
    }

    private void lengths(Tally t) {
        if (t.accepted == 0) {
            return;
        }
        table("Lengths of accepted samples", "share of samples", "generated tokens, below");
        for (double share : List.of(0.1, 0.5, 0.9, 0.99, 1.0)) {
            long seen = 0;
            for (Map.Entry<Integer, Long> bucket : t.acceptedByTokens.entrySet()) {
                seen += bucket.getValue();
                if (seen >= share * t.accepted) {
                    row(percent(share), LengthPlot.firstTokens(bucket.getKey() + 1));
                    break;
                }
            }
        }
        line("");
        line("![accepted samples by generated tokens](lengths.svg)");
    }
}
