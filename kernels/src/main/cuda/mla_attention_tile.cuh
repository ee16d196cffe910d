// The block of mla_attention: 64 lines against one segment, or against all segments of their rows in order. Picture in mla_attention.cu.
#ifndef MILLRACE_MLA_ATTENTION_TILE_CUH
#define MILLRACE_MLA_ATTENTION_TILE_CUH
#include "copy_async.cuh"
#include "mla_attention.cuh"
#include "wgmma.cuh"

/** An item of the plan for one group of heads. */
struct MlaItem {
    int sequence, first_row, rows, first_head, first_segment, end_segment, last_visible, sequence_end, context;
};

template <int kLatent, int kRope> struct MlaTile {
    static constexpr int kWidth = kLatent + kRope;
    static constexpr int kChunks = (kWidth + 63) / 64; // of 64 columns, 128 bytes
    static constexpr int kChunkBytes = kKeyTile * 128;
    static constexpr int kStages = 2;
    static constexpr int kValueColumns = kLatent / 2 < 64 ? 64 : kLatent / 2; // of one warpgroup
    static constexpr int kValueWarpgroups = kLatent / kValueColumns;
    static constexpr int kThreads = 384;
    static constexpr int kKeysAt = kChunks * kChunkBytes;
    static constexpr int kProbsAt = kKeysAt + kStages * kChunks * kChunkBytes;
    static constexpr int kRowsAt = kProbsAt + kLines * 128;
    static constexpr int kBarriersAt = kRowsAt + 4 * kLines * 4;
    static constexpr int kSharedBytes = kBarriersAt + (2 + 2 * kStages) * 8;
    static_assert(kSharedBytes <= 232448, "a block has 227 KiB of shared memory");
    static_assert(kLatent % 64 == 0 && kWidth % 8 == 0, "latents are whole chunks, rows whole pieces of 16 bytes");

    const MlaAttentionParams& p;
    unsigned char* shared;

    __device__ __forceinline__ unsigned char* keys(int stage) const { return shared + kKeysAt + stage * kChunks * kChunkBytes; }
    __device__ __forceinline__ float* maxima(int warpgroup) const { return reinterpret_cast<float*>(shared + kRowsAt) + warpgroup * kLines; }
    __device__ __forceinline__ float* sums(int warpgroup) const { return maxima(2 + warpgroup); }
    __device__ __forceinline__ uint64_t* q_full() const { return reinterpret_cast<uint64_t*>(shared + kBarriersAt); }
    __device__ __forceinline__ uint64_t* q_empty() const { return q_full() + 1; }
    __device__ __forceinline__ uint64_t* full(int stage) const { return q_full() + 2 + stage; }
    __device__ __forceinline__ uint64_t* empty(int stage) const { return full(kStages + stage); }

    /** Heads of a line group, rounded up to a power of two, at most 64. */
    __device__ __forceinline__ int padded_heads() const {
        int padded = 1;
        while (padded < p.num_heads && padded < kLines) padded *= 2;
        return padded;
    }
    __device__ __forceinline__ int head_groups() const { return (p.num_heads + kLines - 1) / kLines; }
    __device__ __forceinline__ int num_items() const { return p.plan[0] * head_groups(); }

    __device__ __forceinline__ MlaItem item_at(int index) const {
        int4 planned = p.items[index / head_groups()];
        MlaItem item;
        item.sequence = planned.x;
        item.first_row = planned.y;
        item.rows = planned.z;
        item.first_head = index % head_groups() * kLines;
        item.sequence_end = p.query_starts[planned.x + 1];
        item.context = p.context_tokens[planned.x];
        item.last_visible = visible_tokens(item.context, item.sequence_end, planned.y + planned.z - 1);
        item.first_segment = planned.w < 0 ? 0 : planned.w;
        item.end_segment = planned.w < 0 ? segments_of(item.last_visible) : planned.w + 1;
        return item;
    }

    __device__ __forceinline__ void run() {
        if (threadIdx.x == 0) {
            mbarrier_init(q_full(), 128);
            mbarrier_init(q_empty(), 8);
            for (int s = 0; s < kStages; s++) {
                mbarrier_init(full(s), 128);
                mbarrier_init(empty(s), 8);
            }
            fence_mbarrier_init();
        }
        __syncthreads();
        if (threadIdx.x >= 256) {
            register_decrease<72>();
            produce(threadIdx.x - 256);
        } else {
            register_increase<216>();
            consume(threadIdx.x / 128, threadIdx.x % 128);
        }
    }

    /** Copies q once an item, then tile after tile of keys, each signalled when it has landed. */
    __device__ __forceinline__ void produce(int t) const {
        int total = num_items(), issued = 0, taken = 0;
        for (int index = blockIdx.x; index < total; index += gridDim.x, taken++) {
            MlaItem item = item_at(index);
            mbarrier_wait(q_empty(), (taken & 1) ^ 1);
            copy_q(item, t);
            copy_async_commit();
            copy_async_wait<0>();
            fence_proxy_async();
            mbarrier_arrive(q_full());
            int end = min(item.end_segment * kSegmentTokens, item.last_visible);
            for (int at = item.first_segment * kSegmentTokens; at < end; at += kKeyTile, issued++) {
                int stage = issued % kStages;
                mbarrier_wait(empty(stage), (issued / kStages & 1) ^ 1);
                copy_keys(item.sequence, at, end, keys(stage), t);
                copy_async_commit();
                copy_async_wait<0>();
                fence_proxy_async();
                mbarrier_arrive(full(stage));
            }
        }
    }

    /** Thread t copies piece t % 8 of lines t / 8, t / 8 + 16, t / 8 + 32, t / 8 + 48 of each chunk; lines without a head are zeros. */
    __device__ __forceinline__ void copy_q(const MlaItem& item, int t) const {
        int padded = padded_heads();
        for (int line = t / 8; line < kLines; line += 16) {
            int row = line / padded, head = item.first_head + line % padded;
            bool is_line = row < item.rows && head < p.num_heads;
            long at = is_line ? (static_cast<long>(item.first_row + row) * p.num_heads + head) * kWidth : 0;
            for (int c = 0; c < kChunks; c++) {
                int column = c * 64 + t % 8 * 8;
                bool present = is_line && column < kWidth;
                unsigned char* target = shared + c * kChunkBytes + line * 128 + ((t % 8 ^ (line & 7)) << 4);
                if (p.q_is_f32) {
                    uint32_t pairs[4] = {0, 0, 0, 0};
                    const float* source = static_cast<const float*>(p.q) + at + column;
                    for (int i = 0; present && i < 4; i++) {
                        pairs[i] = bf16_from_float(source[2 * i]) | static_cast<uint32_t>(bf16_from_float(source[2 * i + 1])) << 16;
                    }
                    *reinterpret_cast<uint4*>(target) = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
                } else {
                    copy_async_16(target, static_cast<const uint16_t*>(p.q) + at + (present ? column : 0), present ? 16 : 0);
                }
            }
        }
    }

    /** The same for keys [at, end) of a sequence; keys from end on are zeros, because 0 · what isn't a number isn't 0. */
    __device__ __forceinline__ void copy_keys(int sequence, int at, int end, unsigned char* target, int t) const {
        const int* table = p.block_tables + static_cast<long>(sequence) * p.max_pages;
        UNROLL
        for (int i = 0; i < 4; i++) {
            int key = t / 8 + 16 * i, position = at + key;
            bool is_key = position < end;
            long slot = is_key ? static_cast<long>(table[position / p.page_tokens]) * p.page_tokens + position % p.page_tokens : 0;
            const uint16_t* source = p.pages + slot * kWidth;
            unsigned char* row = target + key * 128 + ((t % 8 ^ (key & 7)) << 4);
            UNROLL
            for (int c = 0; c < kChunks; c++) {
                int column = c * 64 + t % 8 * 8;
                bool present = is_key && column < kWidth;
                copy_async_16(row + c * kChunkBytes, source + (present ? column : 0), present ? 16 : 0);
            }
        }
    }

    /** A consumer's two lines, r = 16 · (t / 32) + t % 32 / 4 and r + 8: what they see of this segment and what they have of it so far. */
    struct Lines {
        int visible[2]; // positions; 0 if the line has no row or head
        float maximum[2], sum[2];
    };

    __device__ __forceinline__ void consume(int warpgroup, int t) const {
        int total = num_items(), tile = 0, taken = 0;
        int padded = padded_heads();
        for (int index = blockIdx.x; index < total; index += gridDim.x, taken++) {
            MlaItem item = item_at(index);
            Lines lines;
            MlaRunning running[2];
            long line_at[2]; // row · H + head
            UNROLL
            for (int i = 0; i < 2; i++) {
                int line = t / 32 * 16 + t % 32 / 4 + 8 * i;
                int row = line / padded, head = item.first_head + line % padded;
                bool is_line = row < item.rows && head < p.num_heads;
                lines.visible[i] = is_line ? visible_tokens(item.context, item.sequence_end, item.first_row + row) : 0;
                line_at[i] = static_cast<long>(item.first_row + row) * p.num_heads + head;
                running[i] = {0, 0};
            }
            mbarrier_wait(q_full(), taken & 1);
            for (int segment = item.first_segment; segment < item.end_segment; segment++) {
                float values[kValueColumns / 2];
                UNROLL
                for (int i = 0; i < kValueColumns / 2; i++) values[i] = 0;
                lines.maximum[0] = lines.maximum[1] = -INFINITY;
                lines.sum[0] = lines.sum[1] = 0;
                int end = min((segment + 1) * kSegmentTokens, item.last_visible);
                for (int at = segment * kSegmentTokens; at < end; at += kKeyTile, tile++) {
                    attend(values, lines, at, tile, warpgroup, t);
                }
                if (p.plan[1]) {
                    keep_in_order(values, lines, running, line_at, segment, warpgroup, t);
                } else {
                    keep_segment(values, lines, line_at, segment, warpgroup, t);
                }
            }
            if (t % 32 == 0) mbarrier_arrive(q_empty());
        }
    }

    /** One tile of keys. The warpgroups share its scores by keys (32 each) and its values by columns; they meet twice. */
    __device__ __forceinline__ void attend(float (&values)[kValueColumns / 2], Lines& lines, int at, int tile, int warpgroup, int t) const {
        int stage = tile % kStages;
        int line = t / 32 * 16 + t % 32 / 4;
        mbarrier_wait(full(stage), tile / kStages & 1);
        float scores[16]; // [64 lines, 32 keys]
        multiply_scores(scores, stage, warpgroup);
        float own[2] = {-INFINITY, -INFINITY};
        UNROLL
        for (int i = 0; i < 16; i++) {
            int position = at + 32 * warpgroup + i / 4 * 8 + t % 4 * 2 + i % 2;
            scores[i] = position < lines.visible[i / 2 % 2] ? scores[i] * p.scale : -INFINITY;
            own[i / 2 % 2] = fmaxf(own[i / 2 % 2], scores[i]);
        }
        UNROLL
        for (int i = 0; i < 2; i++) {
            own[i] = fmaxf(own[i], __shfl_xor_sync(0xffffffffu, own[i], 1));
            own[i] = fmaxf(own[i], __shfl_xor_sync(0xffffffffu, own[i], 2));
            if (t % 4 == 0) maxima(warpgroup)[line + 8 * i] = own[i];
        }
        named_barrier_sync(1, 256);
        float shift[2], rescale[2], total[2] = {0, 0};
        UNROLL
        for (int i = 0; i < 2; i++) {
            float maximum = fmaxf(lines.maximum[i], fmaxf(maxima(0)[line + 8 * i], maxima(1)[line + 8 * i]));
            shift[i] = maximum == -INFINITY ? 0.0f : maximum; // a line that sees nothing yet: exp2(−∞) is an exact 0
            rescale[i] = exp2f(lines.maximum[i] - shift[i]);
            lines.maximum[i] = maximum;
        }
        UNROLL
        for (int i = 0; i < 16; i += 2) { // two neighbouring keys of one line
            int l = i / 2 % 2;
            float first = exp2f(scores[i] - shift[l]), second = exp2f(scores[i + 1] - shift[l]);
            total[l] += first + second;
            int row = line + 8 * l, piece = 4 * warpgroup + i / 4;
            *reinterpret_cast<uint32_t*>(shared + kProbsAt + row * 128 + ((piece ^ (row & 7)) << 4) + t % 4 * 4) =
                bf16_from_float(first) | static_cast<uint32_t>(bf16_from_float(second)) << 16;
        }
        UNROLL
        for (int i = 0; i < 2; i++) {
            total[i] += __shfl_xor_sync(0xffffffffu, total[i], 1);
            total[i] += __shfl_xor_sync(0xffffffffu, total[i], 2);
            if (t % 4 == 0) sums(warpgroup)[line + 8 * i] = total[i];
        }
        UNROLL
        for (int i = 0; i < kValueColumns / 2; i++) values[i] *= rescale[i / 2 % 2];
        fence_proxy_async();
        named_barrier_sync(2, 256);
        UNROLL
        for (int i = 0; i < 2; i++) {
            lines.sum[i] = __fmaf_rn(lines.sum[i], rescale[i], sums(0)[line + 8 * i] + sums(1)[line + 8 * i]);
        }
        if (warpgroup < kValueWarpgroups) add_values(values, stage, warpgroup);
        if (t % 32 == 0) mbarrier_arrive(empty(stage));
    }

    /** scores [64, 32] = q [64, R + P] · keysᵀ, columns ascending. */
    __device__ __forceinline__ void multiply_scores(float (&scores)[16], int stage, int warpgroup) const {
        uint64_t q = wgmma_descriptor(shared, 16, 1024);
        uint64_t k = wgmma_descriptor(keys(stage) + warpgroup * 32 * 128, 16, 1024);
        UNROLL
        for (int i = 0; i < 16; i++) scores[i] = 0;
        wgmma_fence();
        UNROLL
        for (int c = 0; c < kChunks; c++) {
            UNROLL
            for (int i = 0; i < 4; i++) {
                int by = c * (kChunkBytes / 16) + 2 * i;
                wgmma_bf16<32, false>(scores, q + by, k + by, c > 0 || i > 0);
            }
        }
        wgmma_commit();
        wgmma_wait<0>();
        wgmma_hold(scores);
    }

    /** values [64, kValueColumns] += probs [64, 64] · keys [64, this warpgroup's latent columns], keys ascending. */
    __device__ __forceinline__ void add_values(float (&values)[kValueColumns / 2], int stage, int warpgroup) const {
        uint64_t probs = wgmma_descriptor(shared + kProbsAt, 16, 1024);
        uint64_t v = wgmma_descriptor(keys(stage) + warpgroup * (kValueColumns / 64) * kChunkBytes, kChunkBytes, 1024);
        wgmma_hold(values);
        wgmma_fence();
        UNROLL
        for (int i = 0; i < 4; i++) wgmma_bf16<kValueColumns, true>(values, probs + 2 * i, v + i * (16 * 128 / 16), true);
        wgmma_commit();
        wgmma_wait<0>();
        wgmma_hold(values);
    }

    /** Latent column of values[i], of a thread of a warpgroup that has values. */
    static __device__ __forceinline__ int column_of(int i, int warpgroup, int t) {
        return warpgroup * kValueColumns + i / 4 * 8 + t % 4 * 2 + i % 2;
    }

    /** Split: a row of one segment is done; others leave a partial. */
    __device__ __forceinline__ void keep_segment(
        const float (&values)[kValueColumns / 2], const Lines& lines, const long (&line_at)[2], int segment, int warpgroup, int t) const {
        if (warpgroup >= kValueWarpgroups) return;
        UNROLL
        for (int l = 0; l < 2; l++) {
            if (lines.visible[l] <= segment * kSegmentTokens) continue;
            bool is_whole = lines.visible[l] <= kSegmentTokens;
            float inverse = 1.0f / lines.sum[l];
            long row = line_at[l] / p.num_heads;
            long partial = is_whole ? 0 : (p.row_segments[row].x + segment) * static_cast<long>(p.num_heads) + line_at[l] % p.num_heads;
            if (!is_whole && warpgroup == 0 && t % 4 == 0) p.partial_sums[partial] = make_float2(lines.maximum[l], lines.sum[l]);
            UNROLL
            for (int i = 2 * l; i < kValueColumns / 2; i += 4) {
                int column = column_of(i, warpgroup, t);
                if (is_whole) {
                    store_value(p.out, line_at[l] * kLatent + column, values[i] * inverse, p.out_is_bf16);
                    store_value(p.out, line_at[l] * kLatent + column + 1, values[i + 1] * inverse, p.out_is_bf16);
                } else {
                    *reinterpret_cast<float2*>(p.partials + partial * kLatent + column) = make_float2(values[i], values[i + 1]);
                }
            }
        }
    }

    /** In order: merges into what this thread kept of earlier segments, and stores the row after its last. */
    __device__ __forceinline__ void keep_in_order(const float (&values)[kValueColumns / 2], const Lines& lines, MlaRunning (&running)[2],
                                                  const long (&line_at)[2], int segment, int warpgroup, int t) const {
        if (warpgroup >= kValueWarpgroups) return;
        float* kept = p.running + (static_cast<long>(blockIdx.x) * kLatent / 2 + warpgroup * (kValueColumns / 2)) * 128 + t;
        UNROLL
        for (int l = 0; l < 2; l++) {
            if (lines.visible[l] <= segment * kSegmentTokens) continue;
            float old_weight = 0, new_weight = 1;
            if (segment == 0) {
                running[l] = {lines.maximum[l], lines.sum[l]};
            } else {
                running[l].merge(lines.maximum[l], lines.sum[l], old_weight, new_weight);
            }
            bool is_last = lines.visible[l] <= (segment + 1) * kSegmentTokens;
            float inverse = 1.0f / running[l].sum;
            UNROLL
            for (int i = 0; i < kValueColumns / 2; i++) {
                if (i / 2 % 2 != l) continue;
                float value = segment == 0 ? values[i] : MlaRunning::merged(kept[i * 128], old_weight, values[i], new_weight);
                if (is_last) {
                    store_value(p.out, line_at[l] * kLatent + column_of(i, warpgroup, t), value * inverse, p.out_is_bf16);
                } else {
                    kept[i * 128] = value;
                }
            }
        }
    }
};

#endif
