package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.SamplingBatch;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.TokenPenalties;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Draws tokens and finds log-probabilities; a block per row. The work buffer [S, V] f32 grows to the largest batch and stays (132 MB for 256
 * rows of 129,280 tokens), and so does the one for the rows' parameters, which has room for the largest batch object seen. Thread: the rank's.
 */
final class CudaSampler {
    private static final int ROW_BYTES = 56; // DrawRow
    private static final int PENALTY_BYTES = 16; // Penalty
    private static final int MAX_THREADS = 1024;
    private static final int TOKENS_PER_THREAD = 8;
    private static final int LOGPROB_THREADS = 256; // kLogprobThreads

    private final CudaDevice device;
    private final LaunchBlock sample;
    private final LaunchBlock topLogprobs;
    private CudaTensor work;
    private CudaTensor draws;
    private CudaTensor penalties;
    private ByteBuffer rowBytes = ByteBuffer.allocate(0);
    private ByteBuffer penaltyBytes = ByteBuffer.allocate(0);
    private int stagedRows;
    private int stagedTokens;
    /** Whether a captured step reads {@link #draws} where it lies. */
    private boolean isCaptured;

    CudaSampler(CudaDevice device) {
        this.device = device;
        sample = device.image().kernel("sample");
        topLogprobs = device.image().kernel("top_logprobs");
        work = device.allocate(DType.F32, 0);
        draws = device.allocate(DType.E4M3, 0);
        penalties = draws;
    }

    void stage(SamplingBatch batch) {
        stagedRows = batch.numRows;
        stagedTokens = batch.numTokens;
        long capacity = (long) batch.seed.length * ROW_BYTES;
        if (draws.rows() < capacity) {
            if (isCaptured) {
                throw new IllegalStateException("a batch for " + batch.seed.length
                        + " rows after a draw was captured: stage the largest batch before");
            }
            draws = device.allocate(DType.E4M3, capacity);
        }
        ByteBuffer rows = fillRows(batch);
        if (rows.hasRemaining()) {
            device.writeBytes(draws, rows);
        }
        penalties = send(penalties, penaltyBytes);
    }

    void drawStaged(Tensor idTensor, Tensor logitTensor) {
        CudaTensor ids = Operands.i32(idTensor);
        CudaTensor logits = Operands.f32(logitTensor);
        int rows = stagedRows;
        int tokens = stagedTokens;
        isCaptured |= device.isCapturing();
        Operands.atLeast("sample: columns of logits", logits.cols(), tokens);
        Operands.atLeast("sample: numTokens", tokens, 1);
        Operands.atLeast("sample: rows of logits", logits.rows(), rows);
        Operands.atLeast("sample: length of ids", ids.rows(), rows);
        if (work.rows() < (long) rows * tokens) {
            work = device.allocate(DType.F32, (long) rows * tokens);
        }
        sample.begin().rows(ids).rows(logits).i64(work.pointer()).i64(tokens);
        sample.i64(draws.pointer()).i64(penalties.pointer()).i32(tokens).i32(0);
        sample.launch(rows, 1, threadsFor(tokens));
    }

    /** A power of two, so that small vocabularies don't pay for threads that have nothing to do. Changes no bit. */
    private static int threadsFor(int tokens) {
        int threads = 32;
        while (threads < MAX_THREADS && threads * TOKENS_PER_THREAD < tokens) {
            threads *= 2;
        }
        return threads;
    }

    /** Writes the rows, and to {@link #penaltyBytes} what they refer to. */
    private ByteBuffer fillRows(SamplingBatch batch) {
        int count = 0;
        for (int s = 0; s < batch.numRows; s++) {
            TokenPenalties p = batch.penalties[s];
            count += p == null ? 0 : p.length();
            count += numForbidden(batch, s);
        }
        rowBytes = cleared(rowBytes, batch.numRows * ROW_BYTES);
        penaltyBytes = cleared(penaltyBytes, count * PENALTY_BYTES);
        for (int s = 0; s < batch.numRows; s++) {
            TokenPenalties p = batch.penalties[s];
            int start = penaltyBytes.position() / PENALTY_BYTES;
            putPenalties(p, batch.allowed[s], batch.numTokens);
            rowBytes.putLong(batch.seed[s]).putInt(batch.position[s]).putInt(batch.sampleIndex[s]);
            rowBytes.putFloat(batch.temperature[s]).putInt(batch.topK[s]);
            rowBytes.putFloat(batch.topP[s]).putFloat(batch.minP[s]);
            rowBytes.putFloat(p == null ? 1 : p.repetition());
            rowBytes.putFloat(p == null ? 0 : p.frequency()).putFloat(p == null ? 0 : p.presence());
            rowBytes.putInt(start)
                    .putInt(penaltyBytes.position() / PENALTY_BYTES)
                    .putInt(0);
        }
        penaltyBytes.flip();
        return rowBytes.flip();
    }

    private static int numForbidden(SamplingBatch batch, int s) {
        long[] allowed = batch.allowed[s];
        return allowed == null
                ? 0
                : batch.numTokens
                        - (int) LongStream.of(allowed).map(Long::bitCount).sum();
    }

    /** A token that isn't allowed has a bias of −∞, 16 bytes each; each token is listed once. */
    private void putPenalties(@Nullable TokenPenalties p, long @Nullable [] allowed, int numTokens) {
        BitSet forbidden = new BitSet();
        if (allowed != null) {
            forbidden = BitSet.valueOf(allowed);
            forbidden.flip(0, numTokens);
            forbidden.clear(numTokens, forbidden.size());
        }
        for (int i = 0; p != null && i < p.length(); i++) {
            int token = p.tokens()[i];
            boolean isForbidden = forbidden.get(token);
            forbidden.clear(token);
            penaltyBytes.putInt(token).putInt(p.outputCounts()[i]);
            penaltyBytes.putInt(p.isSeen()[i] ? 1 : 0).putFloat(isForbidden ? Float.NEGATIVE_INFINITY : p.bias()[i]);
        }
        for (int token = forbidden.nextSetBit(0); token >= 0; token = forbidden.nextSetBit(token + 1)) {
            penaltyBytes.putInt(token).putInt(0).putInt(0).putFloat(Float.NEGATIVE_INFINITY);
        }
    }

    private static ByteBuffer cleared(ByteBuffer buffer, int count) {
        if (buffer.capacity() >= count) {
            return buffer.clear();
        }
        return ByteBuffer.allocate(2 * count).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Copies to the start of the tensor, or of a larger new one. */
    private CudaTensor send(CudaTensor target, ByteBuffer bytes) {
        CudaTensor t = target;
        if (t.rows() < bytes.remaining()) {
            t = device.allocate(DType.E4M3, 2L * bytes.remaining());
        }
        if (bytes.hasRemaining()) {
            device.writeBytes(t, bytes);
        }
        return t;
    }

    void topLogprobs(Tensor idTensor, Tensor outTensor, Tensor logitTensor, Tensor sampledTensor, int tokens) {
        CudaTensor ids = Operands.i32(idTensor);
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor logits = Operands.f32(logitTensor);
        CudaTensor sampled = Operands.i32(sampledTensor);
        Operands.atLeast("topLogprobs: columns of logits", logits.cols(), tokens);
        Operands.atLeast("topLogprobs: numTokens", tokens, Math.max(1, ids.cols() - 1));
        Operands.equal("topLogprobs: columns of logprobs", out.cols(), ids.cols());
        Operands.atLeast("topLogprobs: columns of ids", ids.cols(), 1);
        Operands.atLeast("topLogprobs: rows of logits", logits.rows(), ids.rows());
        Operands.atLeast("topLogprobs: rows of logprobs", out.rows(), ids.rows());
        Operands.atLeast("topLogprobs: length of sampled", sampled.rows(), ids.rows());
        topLogprobs.begin().rows(ids).rows(out).rows(logits).rows(sampled);
        topLogprobs.i64(device.faultAddress()).i32(tokens).i32(ids.cols() - 1);
        topLogprobs.launch(ids.rows(), 1, LOGPROB_THREADS);
    }
}
