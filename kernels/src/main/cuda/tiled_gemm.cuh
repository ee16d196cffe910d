// The main loop of gemm, grouped_gemm, dense_gemm, grouped_dense_gemm and head_gemm: out = x · wᵀ for a weight that was cut into tiles when it was loaded.
//
// Weight: tiles of 64 output rows × 128 bytes of k (128 e4m3 or 64 bf16), 8 KiB each, already in the 128-byte swizzle of wgmma.cuh, short tiles
// padded with zeros: [groups, num_tiles, num_blocks, 64, 128]. A tile is wgmma's A operand (M = 64 features), 8 … 128 rows of x are its B
// operand (N), so that a decode step streams weights and wastes little on padding ("swapped AB").
//
// Tile picture, a block of 128 · (kWarpgroups + 1) threads:
//
//              k: 128 bytes a stage, kStages in a ring            warpgroup 0 … kWarpgroups − 1: consumers, one 64-feature tile each
//     weights  [64 · kWarpgroups, 128 B]  one bulk copy a tile    last warpgroup: producer; its thread 0 starts the bulk copies, all of them
//     x        [kTokens, 128 B]           cp.async, swizzled      copy rows of x with cp.async and signal a stage kLag stages later, when
//     scales   [kTokens] f32              cp.async                their copies have landed and the fence made them visible to wgmma
//
// Order of a sum, whatever kTokens, kWarpgroups, grid, rows or neighbours: blocks of k ascending; within a block four wgmma, k ascending.
// A weight with few tiles can't fill a device: it may be cut along k into num_splits runs of blocks, a number that belongs to the weight (never
// to the rows). Each run sums from zero and leaves a partial; whoever comes last adds the partials, first run first. So still one order.
#ifndef MILLRACE_TILED_GEMM_CUH
#define MILLRACE_TILED_GEMM_CUH
#include "copy_async.cuh"
#include "ptx.cuh"
#include "wgmma.cuh"

/** Most experts or heads of one launch (routed launches only need it). */
constexpr int kMaxGroups = 512;
constexpr int kTileFeatures = 64;
constexpr int kBlockBytes = 128;
constexpr int kTileBytes = kTileFeatures * kBlockBytes;

/** Parameters of all tiled products; a kernel's file says which it reads. */
struct TiledGemmParams {
    void* out;                  // [rows, out_stride] f32 or bf16
    const void* x;              // [rows of x, x_stride] e4m3 (gemm, grouped_gemm), else bf16 or f32
    const float* x_scales;      // e4m3: the scale of row r, block b lies at r · x_scale_row + b · x_scale_block
    const unsigned char* tiles; // [num_groups, num_tiles, num_blocks, 64, 128] bytes, aligned to 16
    const float* tile_scales;   // e4m3: [num_groups, num_tiles, num_blocks]
    const int2* tile_rows;      // [num_tiles] (first output column, output columns 1 … 64), the same for every group
    const int* offsets;         // grouped: [num_groups + 1], rows of each group in out, ascending from 0
    const int* pair_tokens;     // grouped with gather: [offsets[num_groups]] row of x of each row of out; else null
    float* partials;            // num_splits > 1: [row steps, num_tiles rounded up to kWarpgroups, num_splits, 64, kTokens], any order within
    unsigned* arrivals;         // num_splits > 1: [row steps · num_tiles rounded up to kWarpgroups], 0 before and after each launch
    int num_rows;               // T, rows of out; not read by grouped_gemm
    int num_groups;             // experts, heads or 1
    int num_tiles;              // tiles of a group along its output features
    int num_blocks;             // ceil(k_bytes / 128)
    int k_bytes;                // bytes of k in a row as multiplied (1 a column of e4m3, 2 of bf16), a multiple of 16 unless x_is_f32
    int x_stride;               // columns from row to row of x; in bytes a multiple of 16, as are the next two, unless x_is_f32 (slower then)
    int x_start;                // column of x that meets k = 0 of group 0
    int x_group;                // columns of x from group to group: 0 unless heads
    int x_scale_row;            // floats
    int x_scale_block;          // floats
    int out_stride;             // columns from row to row of out
    int out_start;              // column of out of group 0's column 0
    int out_group;              // columns of out from group to group: 0 unless heads
    int x_is_f32;               // dense_gemm, head_gemm: x is f32 and gets rounded to bf16
    int out_is_bf16;            // else f32
    int num_splits;             // runs of ceil(num_blocks / num_splits) blocks, none empty; fixed per weight; 1 for grouped_gemm and heads
};
static_assert(sizeof(TiledGemmParams) == 144, "the host lays out 10 addresses and 16 ints");

/** e4m3 × e4m3: each block of 128 k starts from zero and is added to the f32 total with its two scales. */
struct E4m3Blocks {
    static constexpr bool kScaled = true;
    template <int N> static __device__ __forceinline__ void multiply(float (&d)[N / 2], uint64_t a, uint64_t b, bool keep) {
        wgmma_e4m3<N>(d, a, b, keep);
    }
};

/** bf16 × bf16: the tensor core's f32 accumulators run through all of k. */
struct Bf16Blocks {
    static constexpr bool kScaled = false;
    template <int N> static __device__ __forceinline__ void multiply(float (&d)[N / 2], uint64_t a, uint64_t b, bool keep) {
        wgmma_bf16<N, false>(d, a, b, keep);
    }
};

/** Rows [row_begin, row_end) of out against kWarpgroups tiles from first_tile on, blocks [block_begin, block_end) of k. */
struct GemmItem {
    int group, first_tile, row_begin, row_end, block_begin, block_end;
    int unit, split; // num_splits > 1: which sum, which of its partials
};

template <class Format, int kTokens, int kWarpgroups, bool kRouted> struct TiledGemm {
    static constexpr int kStages = kTokens == 8 || kTokens == 32 ? 8 : 6;
    static constexpr int kLag = kStages / 2;
    static constexpr int kProducers = 128;
    static constexpr int kThreads = 128 * (kWarpgroups + 1);
    static constexpr int kBlocksPerSm = kTokens <= 16 ? 3 : kTokens <= 64 ? 2 : 1;
    static constexpr int kWeightBytes = kWarpgroups * kTileBytes;
    static constexpr int kStageBytes = kWeightBytes + kTokens * kBlockBytes;
    static constexpr int kScalesAt = kStages * kStageBytes;
    static constexpr int kBarriersAt = kScalesAt + (Format::kScaled ? kStages * kTokens * 4 : 0);
    static constexpr int kStartsAt = kBarriersAt + 2 * kStages * 8;
    static constexpr int kSharedBytes = kStartsAt + (kRouted ? (kMaxGroups + 1) * 4 : 2 * 4);
    static_assert(kSharedBytes <= 232448 / kBlocksPerSm - 1024, "blocks of an SM share 227 KiB");

    const TiledGemmParams& p;
    unsigned char* shared;

    __device__ __forceinline__ uint64_t* full(int stage) const { return reinterpret_cast<uint64_t*>(shared + kBarriersAt) + stage; }
    __device__ __forceinline__ uint64_t* empty(int stage) const { return full(kStages + stage); }
    __device__ __forceinline__ unsigned char* weights(int stage) const { return shared + stage * kStageBytes; }
    __device__ __forceinline__ unsigned char* rows(int stage) const { return weights(stage) + kWeightBytes; }
    __device__ __forceinline__ float* scales(int stage) const { return reinterpret_cast<float*>(shared + kScalesAt) + stage * kTokens; }
    /** Unrouted: whether a warpgroup was the last to leave its partial. */
    __device__ __forceinline__ int* is_last(int warpgroup) const { return reinterpret_cast<int*>(shared + kStartsAt) + warpgroup; }
    /** Routed: first item of each group, and after the last group the number of items. */
    __device__ __forceinline__ int* starts() const { return reinterpret_cast<int*>(shared + kStartsAt); }

    __device__ __forceinline__ int tile_steps() const { return (p.num_tiles + kWarpgroups - 1) / kWarpgroups; }
    static __device__ __forceinline__ int row_steps(int rows) { return (rows + kTokens - 1) / kTokens; }

    __device__ __forceinline__ void run() {
        if (threadIdx.x == 0) {
            for (int s = 0; s < kStages; s++) {
                mbarrier_init(full(s), kProducers + 1);
                mbarrier_init(empty(s), 4 * kWarpgroups);
            }
            fence_mbarrier_init();
            fence_proxy_async();
        }
        if (kRouted && threadIdx.x < 32) count_items();
        __syncthreads();
        if (threadIdx.x / 128 == kWarpgroups) {
            produce(threadIdx.x % 128);
        } else {
            consume(threadIdx.x / 128, threadIdx.x % 128);
        }
    }

    /** Fills starts(). One warp: each lane a run of groups, then a scan over lanes. */
    __device__ __forceinline__ void count_items() const {
        int lane = threadIdx.x;
        int per_lane = (p.num_groups + 31) / 32;
        int begin = min(p.num_groups, lane * per_lane);
        int end = min(p.num_groups, begin + per_lane);
        int own = 0;
        for (int g = begin; g < end; g++) own += row_steps(p.offsets[g + 1] - p.offsets[g]) * tile_steps();
        int upTo = own;
        for (int by = 1; by < 32; by *= 2) {
            int other = __shfl_up_sync(0xffffffffu, upTo, by);
            if (lane >= by) upTo += other;
        }
        int next = upTo - own;
        for (int g = begin; g < end; g++) {
            starts()[g] = next;
            next += row_steps(p.offsets[g + 1] - p.offsets[g]) * tile_steps();
        }
        if (lane == 31) starts()[p.num_groups] = upTo;
    }

    __device__ __forceinline__ int num_items() const {
        return kRouted ? starts()[p.num_groups] : p.num_groups * row_steps(p.num_rows) * tile_steps() * p.num_splits;
    }

    /** Items of the same weights are neighbours, so that their later readers find them in L2. */
    __device__ __forceinline__ GemmItem item_at(int index) const {
        GemmItem item;
        item.split = item.unit = 0;
        item.block_begin = 0;
        item.block_end = p.num_blocks;
        int first_row = 0, rows = p.num_rows, within = index;
        if (kRouted) {
            int low = 0, high = p.num_groups - 1; // the last group that starts at or before index: the earlier ones of equal start are empty
            while (low < high) {
                int middle = (low + high + 1) / 2;
                if (starts()[middle] <= index) low = middle; else high = middle - 1;
            }
            item.group = low;
            within = index - starts()[low];
            first_row = p.offsets[low];
            rows = p.offsets[low + 1] - first_row;
        } else {
            int steps = row_steps(rows); // rows fastest, then splits, tiles, groups
            item.split = index / steps % p.num_splits;
            item.unit = index / steps / p.num_splits * steps + index % steps;
            item.group = item.unit / (steps * tile_steps());
            within = item.unit % (steps * tile_steps());
            int per_split = (p.num_blocks + p.num_splits - 1) / p.num_splits;
            item.block_begin = item.split * per_split;
            item.block_end = min(p.num_blocks, item.block_begin + per_split);
        }
        int steps = row_steps(rows);
        item.first_tile = within / steps * kWarpgroups;
        item.row_begin = first_row + within % steps * kTokens;
        item.row_end = min(first_row + rows, item.row_begin + kTokens);
        return item;
    }

    /** Thread t copies piece t % 8 of rows t / 8, t / 8 + 16, … of each block; for 8 rows half of the threads only signal. */
    __device__ __forceinline__ void produce(int t) const {
        constexpr int kPieces = (kTokens * 8 + kProducers - 1) / kProducers;
        int total = num_items();
        int issued = 0;
        const bool has_vectors = ((reinterpret_cast<uintptr_t>(p.x) | (p.x_stride | p.x_start | p.x_group) * 4) & 15) == 0; // f32 only
        for (int index = blockIdx.x; index < total; index += gridDim.x) {
            GemmItem item = item_at(index);
            const unsigned char* sources[kPieces];
            bool present[kPieces];
            const int bytes = Format::kScaled ? 1 : p.x_is_f32 ? 4 : 2; // of an element of x
            UNROLL
            for (int i = 0; i < kPieces; i++) {
                int row = item.row_begin + t / 8 + 16 * i;
                present[i] = t / 8 + 16 * i < kTokens && row < item.row_end;
                long source = source_row(present[i] ? row : item.row_begin);
                sources[i] = static_cast<const unsigned char*>(p.x)
                             + (source * p.x_stride + p.x_start + item.group * p.x_group) * bytes;
            }
            const float* scale = p.x_scales;
            bool has_scale = item.row_begin + t < item.row_end;
            if (Format::kScaled && t < kTokens) scale += source_row(has_scale ? item.row_begin + t : item.row_begin) * p.x_scale_row;
            int tiles = min(kWarpgroups, p.num_tiles - item.first_tile);
            for (int block = item.block_begin; block < item.block_end; block++, issued++) {
                int stage = issued % kStages;
                mbarrier_wait(empty(stage), (issued / kStages & 1) ^ 1);
                if (t == 0) copy_weights(item, tiles, block, stage);
                UNROLL
                for (int i = 0; i < kPieces; i++) {
                    int row = t / 8 + 16 * i;
                    if (row >= kTokens) continue;
                    int at = block * kBlockBytes + t % 8 * 16; // byte of k as multiplied
                    int valid = present[i] ? max(0, min(16, p.k_bytes - at)) : 0;
                    unsigned char* target = rows(stage) + row * kBlockBytes + ((t % 8 ^ (row & 7)) << 4);
                    if (Format::kScaled || !p.x_is_f32) {
                        copy_async_16(target, valid > 0 ? sources[i] + at : sources[i], valid);
                    } else {
                        round_to_bf16(target, reinterpret_cast<const float*>(sources[i]) + at / 2, valid / 2, has_vectors);
                    }
                }
                if (Format::kScaled && t < kTokens) {
                    copy_async_4(scales(stage) + t, scale + (has_scale ? block * p.x_scale_block : 0), has_scale ? 4 : 0);
                }
                copy_async_commit();
                if (issued >= kLag) {
                    copy_async_wait<kLag>();
                    signal(issued - kLag);
                }
            }
        }
        copy_async_wait<0>();
        for (int i = max(0, issued - kLag); i < issued; i++) signal(i);
    }

    __device__ __forceinline__ long source_row(int row) const { return kRouted && p.pair_tokens != nullptr ? p.pair_tokens[row] : row; }

    __device__ __forceinline__ void copy_weights(const GemmItem& item, int tiles, int block, int stage) const {
        mbarrier_arrive_expect_bytes(full(stage), tiles * kTileBytes);
        for (int i = 0; i < tiles; i++) {
            long tile = static_cast<long>(item.group) * p.num_tiles + item.first_tile + i;
            bulk_copy_to_shared(weights(stage) + i * kTileBytes, p.tiles + (tile * p.num_blocks + block) * kTileBytes, kTileBytes, full(stage));
        }
    }

    /** The first `count` of eight f32 to bf16, zeros behind them; has_vectors: source is aligned to 16 bytes. */
    static __device__ __forceinline__ void round_to_bf16(unsigned char* target, const float* source, int count, bool has_vectors) {
        uint4 piece = make_uint4(0, 0, 0, 0);
        if (count == 8 && has_vectors) {
            float4 low = reinterpret_cast<const float4*>(source)[0];
            float4 high = reinterpret_cast<const float4*>(source)[1];
            piece.x = bf16_from_float(low.x) | static_cast<uint32_t>(bf16_from_float(low.y)) << 16;
            piece.y = bf16_from_float(low.z) | static_cast<uint32_t>(bf16_from_float(low.w)) << 16;
            piece.z = bf16_from_float(high.x) | static_cast<uint32_t>(bf16_from_float(high.y)) << 16;
            piece.w = bf16_from_float(high.z) | static_cast<uint32_t>(bf16_from_float(high.w)) << 16;
        } else if (count > 0) {
            uint32_t halves[8];
            UNROLL
            for (int i = 0; i < 8; i++) halves[i] = i < count ? bf16_from_float(source[i]) : 0u;
            piece = make_uint4(halves[0] | halves[1] << 16, halves[2] | halves[3] << 16, halves[4] | halves[5] << 16, halves[6] | halves[7] << 16);
        }
        *reinterpret_cast<uint4*>(target) = piece;
    }

    __device__ __forceinline__ void signal(int issue) const {
        fence_proxy_async();
        mbarrier_arrive(full(issue % kStages));
    }

    __device__ __forceinline__ void consume(int warpgroup, int t) const {
        int total = num_items();
        int taken = 0;
        for (int index = blockIdx.x; index < total; index += gridDim.x) {
            GemmItem item = item_at(index);
            int tile = item.first_tile + warpgroup;
            bool has_tile = tile < p.num_tiles;
            const float* tile_scale = p.tile_scales;
            if (Format::kScaled && has_tile) tile_scale += (static_cast<long>(item.group) * p.num_tiles + tile) * p.num_blocks;
            float sums[kTokens / 2];
            UNROLL
            for (int i = 0; i < kTokens / 2; i++) sums[i] = 0;
            for (int block = item.block_begin; block < item.block_end; block++, taken++) {
                int stage = taken % kStages;
                float weight_scale = Format::kScaled && has_tile ? __ldg(tile_scale + block) : 0.0f;
                mbarrier_wait(full(stage), taken / kStages & 1);
                if (has_tile) multiply_block(sums, weight_scale, stage, warpgroup, t, block > item.block_begin);
                if (t % 32 == 0) mbarrier_arrive(empty(stage));
            }
            if (has_tile && (kRouted || p.num_splits == 1 || add_splits(sums, item, warpgroup, t))) store(sums, item, tile, t);
        }
    }

    /** Leaves this run's partial. The last of a sum's runs gets all of them added up in order and returns true. */
    __device__ __forceinline__ bool add_splits(float (&sums)[kTokens / 2], const GemmItem& item, int warpgroup, int t) const {
        float* first = p.partials + (static_cast<long>(item.unit) * p.num_splits * kWarpgroups + warpgroup) * (kTileFeatures * kTokens) + t;
        constexpr int kBetween = kWarpgroups * kTileFeatures * kTokens; // from split to split
        float* own = first + static_cast<long>(item.split) * kBetween;
        UNROLL
        for (int i = 0; i < kTokens / 2; i++) own[i * 128] = sums[i];
        __threadfence();
        named_barrier_sync(1 + warpgroup, 128);
        unsigned* arrived = p.arrivals + item.unit * kWarpgroups + warpgroup;
        if (t == 0) {
            *is_last(warpgroup) = atomicAdd(arrived, 1u) == p.num_splits - 1u;
            if (*is_last(warpgroup)) *arrived = 0;
        }
        named_barrier_sync(1 + warpgroup, 128);
        if (!*is_last(warpgroup)) return false;
        __threadfence();
        UNROLL
        for (int i = 0; i < kTokens / 2; i++) sums[i] = first[i * 128];
        for (int s = 1; s < p.num_splits; s++) {
            UNROLL
            for (int i = 0; i < kTokens / 2; i++) sums[i] = __fadd_rn(sums[i], first[static_cast<long>(s) * kBetween + i * 128]);
        }
        return true;
    }

    __device__ __forceinline__ void multiply_block(
        float (&sums)[kTokens / 2], float weight_scale, int stage, int warpgroup, int t, bool keep) const {
        uint64_t a = wgmma_descriptor(weights(stage) + warpgroup * kTileBytes, 16, 1024);
        uint64_t b = wgmma_descriptor(rows(stage), 16, 1024);
        if constexpr (Format::kScaled) {
            float products[kTokens / 2];
            UNROLL
            for (int i = 0; i < kTokens / 2; i++) products[i] = 0;
            wgmma_fence();
            UNROLL
            for (int i = 0; i < 4; i++) Format::template multiply<kTokens>(products, a + 2 * i, b + 2 * i, i > 0); // 32 bytes of k each
            wgmma_commit();
            wgmma_wait<0>();
            wgmma_hold(products);
            UNROLL
            for (int j = 0; j < kTokens / 8; j++) {
                float2 x_scale = *reinterpret_cast<const float2*>(scales(stage) + 8 * j + 2 * (t % 4));
                float even = __fmul_rn(x_scale.x, weight_scale), odd = __fmul_rn(x_scale.y, weight_scale);
                sums[4 * j] = __fmaf_rn(products[4 * j], even, sums[4 * j]);
                sums[4 * j + 1] = __fmaf_rn(products[4 * j + 1], odd, sums[4 * j + 1]);
                sums[4 * j + 2] = __fmaf_rn(products[4 * j + 2], even, sums[4 * j + 2]);
                sums[4 * j + 3] = __fmaf_rn(products[4 * j + 3], odd, sums[4 * j + 3]);
            }
        } else {
            wgmma_fence();
            UNROLL
            for (int i = 0; i < 4; i++) Format::template multiply<kTokens>(sums, a + 2 * i, b + 2 * i, keep || i > 0);
            wgmma_commit();
            wgmma_wait<0>();
            wgmma_hold(sums);
        }
    }

    /** Eight lanes of a register hold eight neighbouring columns of out: 32 bytes of f32, 16 of bf16. */
    __device__ __forceinline__ void store(const float (&sums)[kTokens / 2], const GemmItem& item, int tile, int t) const {
        int2 place = p.tile_rows[tile];
        int feature = t / 32 * 16 + t % 32 / 4;
        long column = p.out_start + static_cast<long>(item.group) * p.out_group + place.x;
        UNROLL
        for (int i = 0; i < kTokens / 2; i++) {
            int row = item.row_begin + i / 4 * 8 + t % 4 * 2 + i % 2;
            int f = feature + i / 2 % 2 * 8;
            if (row >= item.row_end || f >= place.y) continue;
            long at = static_cast<long>(row) * p.out_stride + column + f;
            if (p.out_is_bf16) {
                static_cast<uint16_t*>(p.out)[at] = bf16_from_float(sums[i]);
            } else {
                static_cast<float*>(p.out)[at] = sums[i];
            }
        }
    }
};

/** One kernel per number of rows that an item takes; all give the same bits. The host asks for `bytes` of dynamic shared memory. */
#define TILED_GEMM_KERNEL(name, Format, tokens, warpgroups, routed, bytes)                                                           \
    static_assert(TiledGemm<Format, tokens, warpgroups, routed>::kSharedBytes == bytes, "docs and host name the shared memory of " #name); \
    extern "C" __global__ void __launch_bounds__(TiledGemm<Format, tokens, warpgroups, routed>::kThreads,                            \
                                                 TiledGemm<Format, tokens, warpgroups, routed>::kBlocksPerSm)                        \
        name(const __grid_constant__ TiledGemmParams params) {                                                                       \
        DYNAMIC_SHARED(shared);                                                                                                      \
        TiledGemm<Format, tokens, warpgroups, routed>{params, shared}.run();                                                         \
    }

#endif
