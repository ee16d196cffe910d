package io.millrace.kernels.cpu;

/**
 * One row's tokens while it is drawn from: logits, probabilities relative to the most likely one, and which are still kept. A token
 * is kept if its logit isn't −∞ and it comes, by (logit descending, id ascending), no later than the last kept one. Reused; owner:
 * one worker thread.
 */
final class Candidates {
    /** [count] f32. */
    float[] logits = {};
    /** [count] f32: exp(logit − largest). */
    float[] probs = {};
    /** [4] i32: a block of random numbers. */
    final int[] noise = new int[4];
    /** Tokens of the row. */
    int count;

    private float[] valueHeap = {};
    private int[] idHeap = {};
    private float lastLogit;
    private int lastId;

    void reserve(int tokens) {
        if (logits.length < tokens) {
            logits = new float[tokens];
            probs = new float[tokens];
            valueHeap = new float[tokens];
            idHeap = new int[tokens];
        }
    }

    /** Returns the lowest id with that logit. */
    int first(float logit) {
        int v = 0;
        while (logits[v] != logit) {
            v++;
        }
        return v;
    }

    void keepAll() {
        lastLogit = Float.NEGATIVE_INFINITY;
        lastId = -1;
    }

    boolean isKept(int v) {
        return logits[v] > lastLogit || (logits[v] == lastLogit && v <= lastId);
    }

    boolean isAnyKept(int from, int to) {
        for (int v = from; v < to; v++) {
            if (isKept(v)) {
                return true;
            }
        }
        return false;
    }

    /** Forbids tokens whose probability is below minP · the largest one. */
    void minP(float minP) {
        if (minP <= 0) {
            return;
        }
        for (int v = 0; v < count; v++) {
            if (probs[v] < minP) {
                logits[v] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    /** Keeps the k largest logits and everything equal to the k-th. */
    void topK(int k) {
        if (k <= 0 || k >= count) {
            return;
        }
        int size = 0; // valueHeap holds the largest logits so far, the smallest of them at 0
        for (int v = 0; v < count; v++) {
            float logit = logits[v];
            if (size < k) {
                if (logit > Float.NEGATIVE_INFINITY) {
                    siftUp(size++, logit);
                }
            } else if (logit > valueHeap[0]) {
                siftDown(logit, k);
            }
        }
        if (size == k) {
            lastLogit = valueHeap[0];
            lastId = Integer.MAX_VALUE;
        }
    }

    private void siftUp(int at, float logit) {
        int i = at;
        while (i > 0 && valueHeap[(i - 1) / 2] > logit) {
            valueHeap[i] = valueHeap[(i - 1) / 2];
            i = (i - 1) / 2;
        }
        valueHeap[i] = logit;
    }

    private void siftDown(float logit, int size) {
        int i = 0;
        while (2 * i + 1 < size) {
            int child = 2 * i + 1;
            if (child + 1 < size && valueHeap[child + 1] < valueHeap[child]) {
                child++;
            }
            if (valueHeap[child] >= logit) {
                break;
            }
            valueHeap[i] = valueHeap[child];
            i = child;
        }
        valueHeap[i] = logit;
    }

    /** Keeps the smallest set, most likely first, whose share of the kept mass is at least p. */
    void topP(float p) {
        if (p >= 1) {
            return;
        }
        double mass = 0;
        int kept = 0;
        for (int v = 0; v < count; v++) {
            if (isKept(v)) {
                mass += probs[v];
                kept++;
            }
        }
        // All tokens below this share together have less than 1 − p of the mass, so the set is found without them, but
        // for rounding.
        double cut = (1 - (double) p) * mass / kept;
        if (!cutAt(p * mass, cut)) {
            cutAt(p * mass, 0);
        }
    }

    /** Takes tokens of at least that probability, most likely first, until their mass is reached; false if it never is. */
    private boolean cutAt(double mass, double minProb) {
        int size = 0;
        for (int v = 0; v < count; v++) {
            if (isKept(v) && probs[v] >= minProb) {
                idHeap[size++] = v;
            }
        }
        for (int i = size / 2 - 1; i >= 0; i--) {
            sinkId(i, size);
        }
        double sum = 0;
        while (size > 0) {
            int v = idHeap[0];
            sum += probs[v];
            if (sum >= mass) {
                lastLogit = logits[v];
                lastId = v;
                return true;
            }
            idHeap[0] = idHeap[--size];
            sinkId(0, size);
        }
        return false;
    }

    private void sinkId(int at, int size) {
        int i = at;
        int v = idHeap[i];
        while (2 * i + 1 < size) {
            int child = 2 * i + 1;
            if (child + 1 < size && comesBefore(idHeap[child + 1], idHeap[child])) {
                child++;
            }
            if (!comesBefore(idHeap[child], v)) {
                break;
            }
            idHeap[i] = idHeap[child];
            i = child;
        }
        idHeap[i] = v;
    }

    private boolean comesBefore(int v, int w) {
        return logits[v] > logits[w] || (logits[v] == logits[w] && v < w);
    }
}
