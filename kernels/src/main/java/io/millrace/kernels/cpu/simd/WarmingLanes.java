package io.millrace.kernels.cpu.simd;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Plain loops until the vector code is compiled, then vectors. Until then a call of the Vector API is about 1,000 times slower
 * than afterwards, which would make the first steps of an engine take seconds; and the bits are the same, so the change may come at
 * any moment.
 *
 * <p>A thread runs each vector loop on a small job until it is no slower than the plain one, and ends. Where that never happens (the
 * machine has no such registers) the plain loops stay, with one WARN.
 *
 * <p>Any thread; {@link #close} ends the thread.
 */
final class WarmingLanes implements Lanes {
    private static final Logger LOG = LoggerFactory.getLogger(WarmingLanes.class);
    private static final long GIVE_UP_NANOS = 60_000_000_000L;
    private static final int SCALAR_RUNS = 2_000;
    private static final int FAST_RUNS = 3;

    private static volatile boolean isJvmWarm;

    private final Lanes vector;
    private final Thread thread;
    private volatile Lanes active = new ScalarLanes();

    WarmingLanes(Lanes vector) {
        this.vector = vector;
        thread = new Thread(this::warmUp, "millrace-lanes-warm-up");
        thread.setDaemon(true);
        thread.start();
    }

    /** Returns whether some instance has finished: then there is nothing left to warm. */
    static boolean isJvmWarm() {
        return isJvmWarm;
    }

    /** Returns whether vectors run now. */
    boolean isWarm() {
        return active == vector;
    }

    private void warmUp() {
        Lanes scalar = new ScalarLanes();
        List<Consumer<Lanes>> jobs = jobs();
        long[] scalarNanos = new long[jobs.size()];
        for (int i = 0; i < scalarNanos.length && !thread.isInterrupted(); i++) {
            scalarNanos[i] = Long.MAX_VALUE;
            for (int run = 0; run < SCALAR_RUNS; run++) {
                scalarNanos[i] = Math.min(scalarNanos[i], nanos(jobs.get(i), scalar));
            }
        }
        int[] fastRuns = new int[jobs.size()];
        long end = System.nanoTime() + GIVE_UP_NANOS;
        int cold = jobs.size();
        while (cold > 0 && !thread.isInterrupted()) {
            cold = 0;
            for (int i = 0; i < fastRuns.length; i++) {
                if (fastRuns[i] < FAST_RUNS) {
                    fastRuns[i] = nanos(jobs.get(i), vector) <= scalarNanos[i] ? fastRuns[i] + 1 : 0;
                    cold++;
                }
            }
            if (System.nanoTime() > end) {
                LOG.warn(
                        "cpu back end stays scalar (same answers, slower): {} of {} vector loops of {} bits are no faster after {} s",
                        cold,
                        fastRuns.length,
                        vector.name(),
                        GIVE_UP_NANOS / 1_000_000_000L);
                return;
            }
        }
        if (cold == 0) {
            isJvmWarm = true;
            active = vector;
        }
    }

    private static long nanos(Consumer<Lanes> job, Lanes lanes) {
        long start = System.nanoTime();
        job.accept(lanes);
        return System.nanoTime() - start;
    }

    /** One job for each loop; all with a rest that doesn't fill a register, so that both parts get compiled. */
    private List<Consumer<Lanes>> jobs() {
        int cols = BLOCK + 17;
        Tile tile = new Tile();
        tile.cols = cols;
        int count = Tile.MAX_PANELS * cols * PANEL_ROWS;
        tile.e4m3 = new byte[count];
        tile.bf16 = new short[count];
        tile.f32 = new float[count];
        tile.scales = new float[Tile.MAX_PANELS * 2];
        tile.x = new float[cols];
        Keys keys = new Keys(13);
        keys.to = 7;
        keys.heads = 13; // 8 + 4 + 1
        keys.pages = new float[6 * PANEL_ROWS];
        float[] x = new float[6 * PANEL_ROWS + 5 + 48];
        float[] out = new float[x.length];
        float[] lanes = new float[SUM_LANES];
        int numX = x.length;
        Consumer<Lanes> dots = l -> l.dots(keys, x, 0, 4, numX - 58);
        Consumer<Lanes> weightedSums = l -> l.weightedSums(keys, out, 0, 4, numX - 58);
        Consumer<Lanes> sums =
                l -> out[0] = l.sum(x, 0, numX, lanes) + l.sumSquares(x, 0, numX, lanes) + l.max(x, 0, numX);
        Consumer<Lanes> exps = l -> {
            l.expMinus(out, 0, x, 0, numX, 1);
            l.expNegated(out, 0, x, 0, numX);
        };
        List<Consumer<Lanes>> jobs = new ArrayList<>(Arrays.asList(dots, weightedSums, sums, exps));
        for (Tile.Format format : Tile.Format.values()) {
            for (int rows = 1; rows <= Tile.MAX_ROWS; rows++) {
                if (vector.tileRows(rows) == rows) { // there is a tile of that size
                    jobs.add(job(tile, format, 1, rows));
                    if (vector.tilePanels(format, rows) > 1) {
                        jobs.add(job(tile, format, vector.tilePanels(format, rows), rows));
                    }
                }
            }
        }
        return jobs;
    }

    private static Consumer<Lanes> job(Tile tile, Tile.Format format, int panels, int rows) {
        return l -> {
            tile.format = format;
            tile.panels = panels;
            l.multiply(tile, rows);
        };
    }

    @Override
    public void awaitReady() {
        joinThread();
    }

    /** Ends the warm-up if it still runs. */
    @Override
    public void close() {
        thread.interrupt();
        joinThread();
    }

    private void joinThread() {
        boolean isInterrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String name() {
        return vector.name();
    }

    @Override
    public int tileRows(int rows) {
        return vector.tileRows(rows);
    }

    @Override
    public int tilePanels(Tile.Format format, int tileRows) {
        return vector.tilePanels(format, tileRows);
    }

    @Override
    public void multiply(Tile tile, int rows) {
        active.multiply(tile, rows);
    }

    @Override
    public void dots(Keys keys, float[] q, int qStart, int qStep, int count) {
        active.dots(keys, q, qStart, qStep, count);
    }

    @Override
    public void weightedSums(Keys keys, float[] out, int outStart, int outStep, int count) {
        active.weightedSums(keys, out, outStart, outStep, count);
    }

    @Override
    public float sumSquares(float[] x, int start, int count, float[] lanes) {
        return active.sumSquares(x, start, count, lanes);
    }

    @Override
    public float sum(float[] x, int start, int count, float[] lanes) {
        return active.sum(x, start, count, lanes);
    }

    @Override
    public float max(float[] x, int start, int count) {
        return active.max(x, start, count);
    }

    @Override
    public void expMinus(float[] out, int outStart, float[] x, int start, int count, float shift) {
        active.expMinus(out, outStart, x, start, count, shift);
    }

    @Override
    public void expNegated(float[] out, int outStart, float[] x, int start, int count) {
        active.expNegated(out, outStart, x, start, count);
    }
}
