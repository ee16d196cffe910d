package io.millrace.engine;

import io.millrace.kernels.Backend;
import io.millrace.kernels.BackendProvider;
import io.millrace.kernels.Backends;
import io.millrace.kernels.Device;
import io.millrace.kernels.Ops;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.SamplingBatch;
import io.millrace.kernels.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;

/**
 * The cpu back end with a tap before the draw: tests see every logit row that a token is drawn from, keyed by
 * "seed/sample/position" (tests give every request a seed of its own). Rows can be poisoned.
 */
public final class TappedBackendProvider implements BackendProvider {
    static final String NAME = "cpu-tapped";

    /** Hash of each row's bits. */
    static final Map<String, Integer> ROW_BITS = new ConcurrentHashMap<>();
    /** The row itself, only when {@link #keepRows}. */
    static final Map<String, float[]> ROWS = new ConcurrentHashMap<>();

    static volatile boolean keepRows;
    /** Key of a row whose logits become NaN, or empty. */
    static volatile String poisoned = "";

    /** Runs before every draw: a device that hangs. */
    static volatile Runnable beforeDraw = () -> {};
    /** Runs with a rank's index before it attends: a rank that fails. */
    static volatile IntConsumer beforeAttention = rank -> {};

    /** For the ServiceLoader. */
    public TappedBackendProvider() {}

    static void reset() {
        ROW_BITS.clear();
        ROWS.clear();
        keepRows = false;
        poisoned = "";
        beforeDraw = () -> {};
        beforeAttention = rank -> {};
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Backend create(int numThreads) {
        Backend cpu = Backends.named("cpu", numThreads);
        return new Backend() {
            @Override
            public String name() {
                return NAME;
            }

            @Override
            public List<Rank> open(ParallelPlan plan) {
                return cpu.open(plan).stream()
                        .map(r -> new Rank(r.index(), r.device(), tapped(r), r.collective()))
                        .toList();
            }

            @Override
            public void close() {
                cpu.close();
            }
        };
    }

    private static Ops tapped(Rank rank) {
        Ops ops = rank.ops();
        return (Ops) Proxy.newProxyInstance(
                Ops.class.getClassLoader(), new Class<?>[] {Ops.class}, (proxy, method, args) -> {
                    if (method.getName().equals("sample")) {
                        beforeDraw.run();
                        record(rank.device(), (Tensor) args[1], (SamplingBatch) args[2]);
                    }
                    if (method.getName().equals("mlaAttention")) {
                        beforeAttention.accept(rank.index());
                    }
                    try {
                        return method.invoke(ops, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static void record(Device device, Tensor logits, SamplingBatch batch) {
        int vocab = (int) logits.cols();
        float[] all = new float[batch.numRows * vocab];
        device.read(all, logits, all.length);
        for (int r = 0; r < batch.numRows; r++) {
            String key = batch.seed[r] + "/" + batch.sampleIndex[r] + "/" + batch.position[r];
            float[] row = Arrays.copyOfRange(all, r * vocab, (r + 1) * vocab);
            int bits = 17;
            for (float v : row) {
                bits = bits * 31 + Float.floatToRawIntBits(v);
            }
            ROW_BITS.put(key, bits);
            if (keepRows) {
                ROWS.put(key, row);
            }
            if (key.equals(poisoned)) {
                Arrays.fill(all, r * vocab, (r + 1) * vocab, Float.NaN);
                device.write(logits, all, all.length);
            }
        }
    }
}
