package io.millrace.engine.run;

import io.millrace.engine.kv.BlockTable;
import io.millrace.engine.sample.Sampler;
import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.schedule.StepPlan;
import io.millrace.engine.structure.GrammarMask;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Proposes the tokens that the next step verifies, for the sequences of one group. The MTP layer runs over the same rows as the main
 * model, each with the token that follows it, so that its cache is filled; where a sequence drew a token and wants drafts, its last
 * valid row gives the first one, and further ones follow from the layer's own state. A draft is drawn with the noise of its position,
 * which makes it likely to be what the main model will draw there. Rows of rejected drafts are run, too: what they leave in the cache
 * is overwritten when their positions come again. Thread: the engine loop only; while ranks run, they read.
 */
final class Drafter {
    private final Sampler sampler;
    private final int numDraftTokens;
    private final int[] nextIds;
    private final int[] draftRows;
    private final List<Sequence<?>> drafting = new ArrayList<>();
    private final List<BlockTable> tables = new ArrayList<>();
    /** Where the structures of {@link #drafting} are, null for one without. */
    private final List<GrammarMask.@Nullable Place> places = new ArrayList<>();
    /** [maxSeqs] the drafts that were taken last, before the first ones the last token; and their positions. */
    private final int[] ids;

    private final int[] positions;
    /** [maxSeqs] index in the output of what {@link #drafting} draws next. */
    private final int[] outputIndices;

    private int[][] drafts = {};

    /**
     * Allocates.
     *
     * @param limits of the group's steps, with drafts
     * @param sampler for one row of each sequence; no other's
     */
    Drafter(StepLimits limits, Sampler sampler) {
        this.sampler = sampler;
        numDraftTokens = limits.numDraftTokens();
        int maxSeqs = limits.maxSeqs();
        nextIds = new int[limits.maxTokens()];
        draftRows = new int[maxSeqs];
        positions = new int[maxSeqs];
        outputIndices = new int[maxSeqs];
        ids = new int[maxSeqs];
    }

    /**
     * Chooses who drafts, and gets ready for the first drafts.
     *
     * @param plan that just ran, verified
     * @param drawn its draws, not yet appended to the sequences
     */
    void begin(StepPlan<?> plan, Sampler drawn) {
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
        drafts = new int[drafting.size()][numDraftTokens];
        addDraws();
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
        outputIndices[i] = s.numOutputTokens() + numNew;
        drafting.add(s);
        tables.add(s.blockTable());
        return true;
    }

    /** Adds to the sampler a row for the next draft of each. */
    private void addDraws() {
        sampler.startStep();
        for (int i = 0; i < drafts.length; i++) {
            Sequence<?> s = drafting.get(i);
            GrammarMask mask = s.mask();
            GrammarMask.Place place = places.get(i);
            sampler.addDraft(
                    s.params(),
                    outputIndices[i],
                    s.sampleIndex(),
                    mask == null || place == null ? null : mask.allowed(place));
        }
    }

    /** Returns how many sequences draft: the rows of logits that are drawn from, and the rows of a further step. */
    int size() {
        return drafts.length;
    }

    /** Returns [T] the ids that follow the rows of the step that just ran. */
    int[] nextIds() {
        return nextIds;
    }

    /** Returns [size] the rows of that step whose first drafts are wanted. */
    int[] draftRows() {
        return draftRows;
    }

    /** Returns [size] the block tables of those who draft. */
    List<BlockTable> tables() {
        return tables;
    }

    /** Returns [size] the drafts that were taken last. */
    int[] ids() {
        return ids;
    }

    /** Returns [size] their positions. */
    int[] positions() {
        return positions;
    }

    /** Returns what draws the drafts, on the rank that has it. */
    Sampler sampler() {
        return sampler;
    }

    /** Takes the k-th drafts as they were drawn and gets ready for the next ones; the last ones are proposed. */
    void take(int k) {
        for (int i = 0; i < drafts.length; i++) {
            ids[i] = Math.max(0, sampler.token(i)); // −1: not finite; 0 is as good a guess as any
            drafts[i][k] = ids[i];
            positions[i]++;
            outputIndices[i]++;
            GrammarMask mask = drafting.get(i).mask();
            GrammarMask.Place place = places.get(i);
            places.set(i, mask == null || place == null ? null : mask.after(place, ids[i]));
        }
        if (k + 1 < numDraftTokens) {
            addDraws();
            return;
        }
        for (int i = 0; i < drafts.length; i++) {
            drafting.get(i).propose(drafts[i]);
        }
    }
}
