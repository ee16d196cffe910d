package io.millrace.kernels.cpu;

import io.millrace.kernels.cpu.simd.Lanes;
import io.millrace.kernels.cpu.simd.Tile;
import java.util.Arrays;

/**
 * Products of rows of activations with packed matrices: one matrix for all rows, one per head, or one per expert with rows of its
 * own. Work is cut into items of one panel by at most {@value #CHUNK_ROWS} rows, and the items of all matrices into contiguous
 * slices of equal cost, so experts need no barrier between them. Thread: the rank's.
 *
 * <p>Reference: {@code out[y_i + n] = Σ_k x[x_i + k] · w[n, k]}, see {@link Lanes#multiply} for the order. Floor: each panel is read
 * once per chunk of rows (64 · K bytes of e4m3) and 2 · 64 · K FLOP are done per row.
 */
final class PanelProducts implements WorkerPool.Work {
    private static final int CHUNK_ROWS = 64;
    /** What reading a panel costs, in rows of arithmetic. */
    private static final int PANEL_COST = 2;
    /** Multiply-adds that are worth waking a thread. */
    private static final int MIN_THREAD_WORK = 1 << 18;

    private final Lanes lanes;
    private final WorkerPool pool;
    private final Tile[] tiles;

    private PackedMatrix[] matrices = {};
    private int[] rowEnds = {};
    private boolean isGrouped;
    private int numRows;
    private int[] xRows = {};
    private int[] outRows = {};
    private float[] x = {};
    private float[] out = {};
    private int xStep;
    private int outStep;

    PanelProducts(Lanes lanes, WorkerPool pool) {
        this.lanes = lanes;
        this.pool = pool;
        tiles = new Tile[pool.numThreads()];
        Arrays.setAll(tiles, i -> new Tile());
    }

    /** Makes room for the places of {@code rows} rows; then call {@link #place} for each. */
    void begin(int rows) {
        numRows = rows;
        if (xRows.length < rows) {
            xRows = new int[rows + rows / 2];
            outRows = new int[xRows.length];
        }
    }

    /** Row {@code i} reads from x[xRow …] and writes to out[outRow …]. */
    void place(int i, int xRow, int outRow) {
        xRows[i] = xRow;
        outRows[i] = outRow;
    }

    /** Multiplies every row with every matrix; matrix i adds i · xStep and i · outStep to the places. */
    void each(float[] newOut, int newOutStep, float[] newX, int newXStep, PackedMatrix[] newMatrices) {
        isGrouped = false;
        outStep = newOutStep;
        xStep = newXStep;
        start(newOut, newX, newMatrices);
    }

    /**
     * Multiplies matrix i with rows ends[endsStart + i] … ends[endsStart + i + 1] − 1.
     *
     * @param ends [matrices + 1] i32, ascending from 0
     */
    void grouped(float[] newOut, float[] newX, PackedMatrix[] newMatrices, int[] ends, int endsStart) {
        isGrouped = true;
        outStep = 0;
        xStep = 0;
        if (rowEnds.length < newMatrices.length + 1) {
            rowEnds = new int[newMatrices.length + 1];
        }
        System.arraycopy(ends, endsStart, rowEnds, 0, newMatrices.length + 1);
        start(newOut, newX, newMatrices);
    }

    private void start(float[] newOut, float[] newX, PackedMatrix[] newMatrices) {
        out = newOut;
        x = newX;
        matrices = newMatrices;
        long cost = 0;
        for (int i = 0; i < matrices.length; i++) {
            cost += (long) numItems(i) * itemCost(i);
        }
        int unit = Lanes.PANEL_ROWS * matrices[0].cols;
        pool.run(this, Math.toIntExact(cost), Math.max(1, MIN_THREAD_WORK / unit));
    }

    private int firstRow(int matrix) {
        return isGrouped ? rowEnds[matrix] : 0;
    }

    private int endRow(int matrix) {
        return isGrouped ? rowEnds[matrix + 1] : numRows;
    }

    private int numChunks(int matrix) {
        return Shapes.ceilDiv(endRow(matrix) - firstRow(matrix), CHUNK_ROWS);
    }

    private int numItems(int matrix) {
        return numChunks(matrix) * matrices[matrix].numPanels();
    }

    private int itemCost(int matrix) {
        return PANEL_COST + Math.min(CHUNK_ROWS, endRow(matrix) - firstRow(matrix));
    }

    /** Does the items whose cost, added up in order, begins in from … to − 1. */
    @Override
    public void run(int from, int to, int worker) {
        int start = 0;
        for (int i = 0; i < matrices.length && start < to; i++) {
            int items = numItems(i);
            int cost = itemCost(i);
            int end = Math.min(items, Shapes.ceilDiv(to - start, cost));
            for (int item = start >= from ? 0 : Shapes.ceilDiv(from - start, cost); item < end; ) {
                item += runItems(i, item, end, tiles[worker]);
            }
            start += items * cost;
        }
    }

    /** Does one item, or as many of one matrix as make a tile of several panels; returns how many. */
    private int runItems(int i, int item, int end, Tile tile) {
        PackedMatrix matrix = matrices[i];
        int chunks = numChunks(i);
        int first = firstRow(i) + item % chunks * CHUNK_ROWS;
        int endRow = Math.min(endRow(i), first + CHUNK_ROWS);
        int panel = item / chunks;
        int step = lanes.tileRows(endRow - first);
        int panels = chunks == 1 && step == endRow - first ? lanes.tilePanels(matrix.format, step) : 1;
        tile.panels = panels <= end - item ? panels : 1;
        matrix.load(tile, panel);
        tile.x = x;
        for (int row = first; row < endRow; row += step) {
            step = lanes.tileRows(endRow - row);
            for (int m = 0; m < step; m++) {
                tile.rows[m] = xRows[row + m] + i * xStep;
            }
            Arrays.fill(tile.acc, 0, tile.panels * step * Lanes.PANEL_ROWS, 0);
            lanes.multiply(tile, step);
            for (int p = 0; p < tile.panels; p++) {
                for (int m = 0; m < step; m++) {
                    int at = outRows[row + m] + i * outStep + matrix.firstRow[panel + p];
                    int from = (p * step + m) * Lanes.PANEL_ROWS;
                    System.arraycopy(tile.acc, from, out, at, matrix.numRows[panel + p]);
                }
            }
        }
        return tile.panels;
    }
}
