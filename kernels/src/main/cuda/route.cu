// Chooses experts (DeepSeek-V3 §2.1.2): a warp per token; the arithmetic of one token is a fixed tree, ties go to the lower id.
//   score = sigmoid(logit), or softmax over all experts; choice = score + bias
//   keep the topk_group groups with the largest sum of their two best choices; choose K experts by choice; weights from score
// route_pairs lists the pairs of a rank's experts in order: a warp per expert counts the pairs of lower experts and lists its own, no atomics.
// Floor: T · E · 4 bytes; route_pairs reads L · T · K · 8 bytes, from L2.
#include "rows.cuh"

constexpr int kMaxExperts = 512;
constexpr int kTokensPerBlock = 4; // a warp each
constexpr float kTiny = 1e-20f;    // as the reference adds before it divides by the sum

struct RouteParams {
    Rows<int> expert_ids;     // [T, K] i32, ascending; −1 if a logit is NaN
    Rows<float> weights;      // [T, K] f32
    Rows<const float> logits; // [T, E] f32
    Rows<const float> bias;   // [E] f32, ld = elements between neighbours
    int rows;                 // T
    int experts;              // E
    int top_k;                // K
    int groups;               // ≤ 32
    int top_groups;
    int is_sigmoid;
    int normalize;
    float scaling;            // routed_scaling_factor
};
static_assert(sizeof(RouteParams) == 96, "CudaRouter.route writes 96 bytes");

/** The lane-wise best of (value, lower id); every lane gets it. */
__device__ inline void warp_best(float& value, int& id) {
    for (int bits = 16; bits > 0; bits /= 2) {
        float other = __shfl_xor_sync(kAllLanes, value, bits);
        int other_id = __shfl_xor_sync(kAllLanes, id, bits);
        if (other_id >= 0 && (id < 0 || other > value || (other == value && other_id < id))) {
            value = other;
            id = other_id;
        }
    }
}

/** score [E], choice [E] shared of this warp. */
__device__ inline void score_row(const RouteParams& p, const float* logits, float max, float* score, float* choice) {
    int lane = threadIdx.x % 32;
    float sum = 0;
    for (int e = lane; e < p.experts; e += 32) {
        score[e] = p.is_sigmoid ? 1.0f / (1.0f + expf(-logits[e])) : expf(logits[e] - max);
        sum += score[e];
    }
    sum = warp_sum(sum);
    for (int e = lane; e < p.experts; e += 32) {
        if (!p.is_sigmoid) score[e] /= sum;
        choice[e] = score[e] + *p.bias.row(e);
    }
    __syncwarp();
}

/** A mask of the groups that stay; lane g looks at group g. */
__device__ inline unsigned open_groups(const RouteParams& p, const float* choice) {
    if (p.top_groups == p.groups) return kAllLanes;
    int lane = threadIdx.x % 32;
    int size = p.experts / p.groups;
    float first = -INFINITY, second = -INFINITY;
    for (int i = 0; lane < p.groups && i < size; i++) {
        float value = choice[lane * size + i];
        second = value > first ? first : fmaxf(second, value);
        first = fmaxf(first, value);
    }
    float score = size == 1 ? first : first + second;
    unsigned open = 0;
    for (int k = 0; k < p.top_groups; k++) {
        float value = score;
        int id = lane < p.groups && (open >> lane & 1) == 0 ? lane : -1;
        warp_best(value, id);
        open |= 1u << id;
    }
    return open;
}

extern "C" __global__ void __launch_bounds__(32 * kTokensPerBlock) route(const __grid_constant__ RouteParams p) {
    __shared__ float scores[kTokensPerBlock][kMaxExperts];
    __shared__ float choices[kTokensPerBlock][kMaxExperts];
    int lane = threadIdx.x % 32;
    int t = blockIdx.x * kTokensPerBlock + threadIdx.x / 32;
    if (t >= p.rows) return;
    const float* logits = p.logits.row(t);
    int* ids = p.expert_ids.row(t);
    float* weights = p.weights.row(t);
    float max = -INFINITY;
    bool has_nan = false;
    for (int e = lane; e < p.experts; e += 32) {
        has_nan |= isnan(logits[e]);
        max = fmaxf(max, logits[e]);
    }
    if (__any_sync(kAllLanes, has_nan)) {
        for (int k = lane; k < p.top_k; k += 32) {
            ids[k] = -1;
            weights[k] = 0;
        }
        return;
    }
    float* score = scores[threadIdx.x / 32];
    float* choice = choices[threadIdx.x / 32];
    score_row(p, logits, warp_max(max), score, choice);
    unsigned open = open_groups(p, choice);
    int group_size = p.experts / p.groups;
    unsigned chosen = 0; // bit i: this lane's expert lane + 32 i
    for (int k = 0; k < p.top_k; k++) {
        float value = 0;
        int id = -1;
        for (int e = lane; e < p.experts; e += 32) {
            bool is_free = (open >> e / group_size & 1) != 0 && (chosen >> e / 32 & 1) == 0;
            if (is_free && (id < 0 || choice[e] > value)) {
                value = choice[e];
                id = e;
            }
        }
        warp_best(value, id);
        if (id % 32 == lane) chosen |= 1u << id / 32;
    }
    int count = 0;
    float sum = 0; // in ascending id, by every lane
    for (int from = 0; from < p.experts; from += 32) {
        bool is_chosen = (chosen >> from / 32 & 1) != 0;
        unsigned mask = __ballot_sync(kAllLanes, is_chosen);
        if (is_chosen) ids[count + __popc(mask & ((1u << lane) - 1))] = from + lane;
        for (unsigned rest = mask; rest != 0; rest &= rest - 1) sum += score[from + __ffs(static_cast<int>(rest)) - 1];
        count += __popc(mask);
    }
    __syncwarp();
    for (int k = lane; k < p.top_k; k += 32) {
        float weight = score[ids[k]];
        weights[k] = (p.normalize ? weight / (sum + kTiny) : weight) * p.scaling;
    }
}

struct RoutePairsParams {
    Rows<const int> expert_ids; // [T, K] i32
    Rows<int> offsets;          // [L + 1] i32
    Rows<int> pair_tokens;      // [T · min(K, L)] i32
    Rows<int> pair_rows;        // [T, K] i32
    int rows;                   // T
    int top_k;                  // K
    int experts;                // L, experts whose pairs are listed
    int first_expert;           // id of the first of them
};
static_assert(sizeof(RoutePairsParams) == 80, "CudaRouter.listPairs writes 80 bytes");

/** Which of the listed experts the i-th pair's is, −1 if none. */
__device__ inline int local_expert(const RoutePairsParams& p, int i) {
    int expert = p.expert_ids.row(i / p.top_k)[i % p.top_k] - p.first_expert;
    return expert >= 0 && expert < p.experts ? expert : -1;
}

extern "C" __global__ void __launch_bounds__(128) route_pairs(const __grid_constant__ RoutePairsParams p) {
    int lane = threadIdx.x % 32;
    int expert = blockIdx.x * 4 + threadIdx.x / 32;
    if (expert > p.experts) return; // warp L writes the last offset and the rows of pairs that don't exist
    int pairs = p.rows * p.top_k;
    int lower = 0;
    for (int i = lane; i < pairs; i += 32) {
        int id = local_expert(p, i);
        lower += id >= 0 && id < expert;
    }
    int next = warp_sum(lower);
    if (lane == 0) *p.offsets.row(expert) = next;
    for (int from = 0; from < pairs; from += 32) {
        int i = from + lane;
        int id = i < pairs ? local_expert(p, i) : -2;
        if (expert == p.experts) {
            if (id == -1) p.pair_rows.row(i / p.top_k)[i % p.top_k] = -1;
            continue;
        }
        unsigned mask = __ballot_sync(kAllLanes, id == expert);
        if (id == expert) {
            int row = next + __popc(mask & ((1u << lane) - 1));
            p.pair_rows.row(i / p.top_k)[i % p.top_k] = row;
            *p.pair_tokens.row(row) = i / p.top_k;
        }
        next += __popc(mask);
    }
}
