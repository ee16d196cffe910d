package io.millrace.engine.run;

import io.millrace.kernels.CapturedStep;
import io.millrace.kernels.Device;
import io.millrace.kernels.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Captured decode steps by bucket: a step runs with the rows of the next larger bucket, so that a few captures serve every number of
 * sequences. A bucket's first step runs as it is, which finds room and the other ranks' addresses, and is captured then. Thread: the
 * rank's.
 */
final class StepGraphs {
    /** Buckets below it are powers of two, those above its multiples. */
    private static final int STEP = 8;

    private final Device device;
    private final Map<Key, Kept> kept = new HashMap<>();

    private record Key(int bucket, boolean isDrawing) {}

    private record Kept(CapturedStep step, Tensor logits) {}

    StepGraphs(Device device) {
        this.device = device;
    }

    /** Returns the same without steps. */
    StepGraphs empty() {
        return new StepGraphs(device);
    }

    /**
     * Returns the rows of the bucket for so many sequences: 1, 2, 4, 8, 16, 24, 32, …
     *
     * @param maxRows the last bucket's
     */
    static int bucket(int rows, int maxRows) {
        int bucket = rows <= STEP ? 1 : (rows + STEP - 1) / STEP * STEP;
        while (bucket < rows) {
            bucket *= 2;
        }
        return Math.min(bucket, maxRows);
    }

    /**
     * Runs a step, by replay if its like has run.
     *
     * @param isDrawing whether the draw is part of it
     * @param step of always the same ops on the same tensors for one bucket
     * @return its logits
     */
    Tensor run(int bucket, boolean isDrawing, Supplier<Tensor> step) {
        Key key = new Key(bucket, isDrawing);
        Kept known = kept.get(key);
        if (known != null) {
            known.step.replay();
            return known.logits;
        }
        Tensor logits = step.get();
        CapturedStep captured = device.capture(() -> {
            Tensor unused = step.get();
        });
        kept.put(key, new Kept(captured, logits));
        return logits;
    }
}
