package io.millrace.engine.run;

import io.millrace.engine.kv.BlockTable;
import io.millrace.engine.model.DeepSeekModel;
import io.millrace.engine.model.ModelStep;
import io.millrace.engine.sample.Sampler;
import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.schedule.StepPlan;
import io.millrace.engine.structure.GrammarMask;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Proposes the tokens that the next step verifies. The MTP layer runs over the same rows as the main model, each with the token
 * that follows it, so that its cache is filled; where a sequence drew a token and wants drafts, its last valid row gives the first
 * one, and further ones follow from the layer's own state. A draft is drawn with the noise of its position, which makes it likely to
 * be what the main model will draw there. Rows of rejected drafts are run, too: what they leave in the cache is overwritten when
 * their positions come again. Thread: the engine loop only.
 */
final class Drafter {
    private final DeepSeekModel model;
    private final List<KvLayer> kv;
    private final Device device;
    private final StepInput furtherInput;
    private final Sampler sampler;
    private final int numDraftTokens;
    private final int[] nextIds;
    private final int[] draftRows;
    private final Tensor nextIdsTensor;
    private final Tensor draftRowsTensor;
    private final List<Sequence<?>> drafting = new ArrayList<>();
    private final List<BlockTable> tables = new ArrayList<>();
    /** Where the structures of {@link #drafting} are, null for one without. */
    private final List<GrammarMask.@Nullable Place> places = new ArrayList<>();
    /** [maxSeqs] position and index in the output of what {@link #drafting} draws next. */
    private final int[] positions;

    private final int[] outputIndices;
    private final int[] ids;

    /**
     * Allocates.
     *
     * @param model with its MTP layer
     * @param kv the main model's layers, then the MTP layer's
     * @param maxTokens rows of a step at most
     * @param furtherInput for one row of each sequence
     * @param sampler for one row of each sequence; no other's
     * @param numDraftTokens drafts of a sequence per step, ≥ 1
     */
    Drafter(
            DeepSeekModel model,
            List<KvLayer> kv,
            Device device,
            int maxTokens,
            StepInput furtherInput,
            Sampler sampler,
            int numDraftTokens) {
        this.model = model;
        this.kv = kv;
        this.device = device;
        this.furtherInput = furtherInput;
        this.sampler = sampler;
        this.numDraftTokens = numDraftTokens;
        int maxSeqs = furtherInput.maxSeqs();
        nextIds = new int[maxTokens];
        draftRows = new int[maxSeqs];
        positions = new int[maxSeqs];
        outputIndices = new int[maxSeqs];
        ids = new int[maxSeqs];
        nextIdsTensor = device.allocate(DType.I32, maxTokens);
        draftRowsTensor = device.allocate(DType.I32, maxSeqs);
    }

    /**
     * Proposes drafts to the plan's sequences.
     *
     * @param step of the forward pass that just ran, verified
     * @param drawn its draws, not yet appended to the sequences
     */
    void draft(StepPlan<?> plan, ModelStep step, Sampler drawn) {
        drafting.clear();
        tables.clear();
        places.clear();
        int row = 0;
        for (int i = 0; i < plan.size(); i++) {
            row = follow(plan, i, row, drawn, plan.firstDraw(i));
            if (plan.numDraws(i) > 0) {
                int lastValid = row - plan.drafts(i).length + plan.numAccepted(i) - 1;
                if (choose(plan.sequence(i), 1 + plan.numAccepted(i), lastValid)) {
                    places.add(placeBehind(plan.sequence(i), drawn, plan.firstDraw(i), 1 + plan.numAccepted(i)));
                }
            }
        }
        int[][] drafts = new int[drafting.size()][numDraftTokens];
        take(model.draft(shifted(step), kv), 0, drafts);
        for (int k = 1; k < numDraftTokens && drafts.length > 0; k++) {
            take(model.draftFurther(furtherInput.fillOneRowEach(tables, ids, positions), kv), k, drafts);
        }
        for (int i = 0; i < drafts.length; i++) {
            drafting.get(i).propose(drafts[i]);
        }
    }

    /** Writes the tokens that follow the rows of one entry; returns the next entry's first row. */
    private int follow(StepPlan<?> plan, int i, int firstRow, Sampler drawn, int firstDraw) {
        Sequence<?> s = plan.sequence(i);
        int row = firstRow;
        int numKnown = plan.numDraws(i) > 0 ? plan.count(i) - 1 : plan.count(i);
        for (int k = 1; k <= numKnown; k++) {
            nextIds[row++] = s.token(s.numComputed() + k);
        }
        for (int k = 0; k < plan.numDraws(i); k++) {
            nextIds[row++] = Math.max(0, drawn.token(firstDraw + k)); // −1: the sequence is about to be rejected
        }
        return row;
    }

    private GrammarMask.@Nullable Place placeBehind(Sequence<?> s, Sampler drawn, int firstDraw, int numNew) {
        GrammarMask mask = s.mask();
        if (mask == null) {
            return null;
        }
        GrammarMask.Place place = mask.place();
        for (int k = 0; k < numNew; k++) {
            place = mask.after(place, Math.max(0, drawn.token(firstDraw + k)));
        }
        return place;
    }

    private boolean choose(Sequence<?> s, int numNew, int row) {
        s.propose(new int[0]);
        if (!s.canDraft(numNew, numDraftTokens)) {
            return false;
        }
        int i = drafting.size();
        draftRows[i] = row;
        positions[i] = s.numTokens() + numNew - 2;
        outputIndices[i] = s.numOutputTokens() + numNew - 1;
        drafting.add(s);
        tables.add(s.blockTable());
        return true;
    }

    /** Returns the step with each row's following token instead of its own, and logits wanted where drafts are. */
    private ModelStep shifted(ModelStep step) {
        device.write(nextIdsTensor, nextIds, step.numTokens());
        device.write(draftRowsTensor, draftRows, drafting.size());
        return new ModelStep(
                step.numTokens(),
                new StepTensors(
                        nextIdsTensor.firstRows(step.numTokens()),
                        step.tokens().positions(),
                        step.tokens().slots()),
                step.attention(),
                drafting.size(),
                draftRowsTensor.firstRows(drafting.size()));
    }

    /** Draws the k-th drafts and makes them the input of the next ones. */
    private void take(Tensor logits, int k, int[][] drafts) {
        if (drafts.length == 0) {
            return;
        }
        sampler.startStep();
        for (int i = 0; i < drafts.length; i++) {
            positions[i]++;
            outputIndices[i]++;
            Sequence<?> s = drafting.get(i);
            GrammarMask mask = s.mask();
            GrammarMask.Place place = places.get(i);
            sampler.addDraft(
                    s.params(),
                    outputIndices[i],
                    s.sampleIndex(),
                    mask == null || place == null ? null : mask.allowed(place));
        }
        sampler.draw(logits);
        for (int i = 0; i < drafts.length; i++) {
            ids[i] = Math.max(0, sampler.token(i)); // −1: not finite; 0 is as good a guess as any
            drafts[i][k] = ids[i];
            GrammarMask mask = drafting.get(i).mask();
            GrammarMask.Place place = places.get(i);
            places.set(i, mask == null || place == null ? null : mask.after(place, ids[i]));
        }
    }
}
