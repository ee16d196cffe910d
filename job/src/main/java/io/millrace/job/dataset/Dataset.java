package io.millrace.job.dataset;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.EngineHost;
import io.millrace.engine.ServedModel;
import io.millrace.operators.BatchSettings;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/** Makes a dataset: input, plan, engine, output folder. Thread: the command's. */
public final class Dataset {
    private final InputFiles input;
    private final OutputFolder folder;
    private final DatasetPlan plan;

    /**
     * What came out, earlier runs of the same output included.
     *
     * @param isResumed whether it goes on with one
     * @param rowsNotRead rows that the token budget left out
     */
    public record Result(Totals totals, boolean isResumed, long rowsNotRead) {}

    /**
     * The counts that a command reports.
     *
     * @param rows input rows that were read
     * @param badRows that couldn't be asked
     * @param cutRows that the token budget ended early
     * @param samples drawn
     * @param correct of them, as the verifier says
     * @param accepted of them, the rows of the data
     * @param completionTokens generated
     * @param acceptedTokens generated for accepted samples
     * @param majorityRight share of rows with an accepted sample that is correct: after a vote, whose majority is right
     * @param duplicates samples left out as nearly like another one
     * @param passAt number of attempts → share of rows with a correct sample among so many
     */
    public record Totals(
            long rows,
            long badRows,
            long cutRows,
            long samples,
            long correct,
            long accepted,
            long completionTokens,
            long acceptedTokens,
            double majorityRight,
            long duplicates,
            Map<Integer, Double> passAt) {
        static Totals of(Tally t) {
            return new Totals(
                    t.rows,
                    t.badRows,
                    t.cutRows,
                    t.samples,
                    t.correct,
                    t.accepted,
                    t.completionTokens,
                    t.acceptedTokens,
                    t.majorityRight(),
                    t.duplicates,
                    t.passTable());
        }
    }

    /** Prepares one. */
    public Dataset(InputFiles input, OutputFolder folder, DatasetPlan plan) {
        this.input = input;
        this.folder = folder;
        this.plan = plan;
    }

    /**
     * Generates what is missing and completes the folder.
     *
     * @param numRows of the input
     * @param command as it was typed, for the provenance
     * @param progress gets the number of rows that are done, often
     */
    public Result make(BatchSettings settings, long numRows, String command, LongConsumer progress) throws IOException {
        Verifier verifier = Verifiers.of(plan.verify(), plan.verifyTimeout());
        DataFormat format = input.format(plan.isParquet() == null ? input.isParquet() : plan.isParquet());
        try (EngineHost.Lease lease = EngineHost.acquire(settings.engineConfig())) {
            ServedModel model = lease.model();
            EngineGenerator generator = new EngineGenerator(lease);
            Provenance provenance = new Provenance(
                    model.name(),
                    model.hash(),
                    model.backend(),
                    generator.params(plan.seed()).toString(),
                    command);
            boolean isResumed = folder.begin(plan.settings() + provenance.settings() + input.note());
            try (Shards shards = new Shards(
                            folder,
                            plan.shardRows(),
                            new ShardFiles(folder, format, plan.dedup(), plan.isKeepRejected()));
                    RowSource rows = input.open(settings.maxRequestBytes())) {
                DatasetRun run = new DatasetRun(plan, verifier, generator, shards, settings.maxInFlightRequests());
                run.execute(rows, progress::accept);
                return complete(shards, provenance, format, isResumed, numRows - run.numRowsRead());
            }
        }
    }

    private Result complete(
            Shards shards, Provenance provenance, DataFormat format, boolean isResumed, long rowsNotRead)
            throws IOException {
        if (shards.numOpen() > 0) {
            throw new IllegalStateException(shards.numOpen() + " shards are not whole at the end of the input");
        }
        Tally total = new Tally();
        shards.written().forEach(s -> total.add(s.tally()));
        String name = String.valueOf(folder.root().getFileName());
        folder.publish(LengthPlot.svg(total.acceptedByTokens), "lengths.svg");
        folder.publish(Card.of(name, format.suffix(), plan, provenance, total, rowsNotRead), "README.md");
        folder.complete(manifest(shards.written(), provenance, total, rowsNotRead));
        return new Result(Totals.of(total), isResumed, rowsNotRead);
    }

    private String manifest(List<ShardEntry> shards, Provenance provenance, Tally total, long rowsNotRead)
            throws JsonProcessingException {
        ObjectNode json = RowJson.MAPPER.createObjectNode();
        json.put("format", 1);
        json.set("provenance", RowJson.MAPPER.valueToTree(provenance));
        json.set("plan", RowJson.MAPPER.valueToTree(plan));
        json.set("totals", RowJson.MAPPER.valueToTree(total));
        json.put("rows_not_read", rowsNotRead);
        json.set("shards", RowJson.MAPPER.valueToTree(shards));
        return RowJson.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
    }
}
