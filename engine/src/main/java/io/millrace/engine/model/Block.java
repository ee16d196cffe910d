package io.millrace.engine.model;

import io.millrace.kernels.KvLayer;

/** Half a layer: attention or feed-forward. Thread: the rank's. */
interface Block {
    /** Computes {@code ws.update} from {@code ws.normed}, both [T, D]; kv is the layer's cache. */
    void forward(Workspace ws, ModelStep step, KvLayer kv);
}
