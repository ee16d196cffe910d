package io.millrace.engine.run;

import io.millrace.engine.model.ModelStep;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;

/** The device buffers that a {@link Drafter} fills from step to step, allocated once. Thread: the rank's. */
final class DraftInput {
    private final Device device;
    private final Tensor nextIds;
    private final Tensor draftRows;
    private final StepInput oneRowEach;

    DraftInput(Device device, StepLimits limits, StepInput oneRowEach) {
        this.device = device;
        nextIds = device.allocate(DType.I32, limits.maxTokens());
        draftRows = device.allocate(DType.I32, limits.maxSeqs());
        this.oneRowEach = oneRowEach;
    }

    /** Returns the step with each row's following token instead of its own, and logits wanted where drafts are. */
    ModelStep shifted(ModelStep step, Drafter drafter) {
        device.write(nextIds, drafter.nextIds(), step.numTokens());
        device.write(draftRows, drafter.draftRows(), drafter.size());
        return new ModelStep(
                step.numTokens(),
                new StepTensors(
                        nextIds.firstRows(step.numTokens()),
                        step.tokens().positions(),
                        step.tokens().slots()),
                step.attention(),
                drafter.size(),
                draftRows.firstRows(drafter.size()),
                step.groups());
    }

    /** Returns a step of one row for each of the drafts taken last. */
    ModelStep further(Drafter drafter, GroupRows groups) {
        return oneRowEach.fillOneRowEach(drafter.tables(), drafter.ids(), drafter.positions(), groups);
    }
}
