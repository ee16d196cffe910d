// Draws one token per row: a block per row, in the order bias, repetition, frequency and presence penalty · greedy rows take their
// argmax · ÷ temperature · min-p · top-k (ties with the k-th stay) · top-p, cumulated by (logit descending, id ascending) · argmax of
// logit + Gumbel noise in double. −1 if a logit is NaN or +∞, or all are −∞.
// The block's size follows the vocabulary and changes no bit: maxima and integer sums have no order.
// Floor: S · V · 8 bytes (work is written and read back; further passes come from L2).
#include "sampler.cuh"

constexpr float kMinTemperature = 1e-5f; // below, a row is greedy

/** What to draw with, one per row, as CudaSampler writes it. */
struct DrawRow {
    uint64_t seed;
    int position;
    int sample_index;
    float temperature;
    int top_k;
    float top_p;
    float min_p;
    float repetition;
    float frequency;
    float presence;
    int penalty_start; // first of the row's penalties
    int penalty_end;
    int padding;
};
static_assert(sizeof(DrawRow) == 56, "CudaSampler writes 56 bytes a row");

/** A change to one logit. */
struct Penalty {
    int token;
    int output_count; // occurrences in the output
    int is_seen;      // in prompt or output
    float bias;
};

struct SampleParams {
    Rows<int> ids;            // [S] i32
    Rows<const float> logits; // [S, V] f32
    Rows<float> work;         // [S, tokens] f32
    const DrawRow* draws;     // [S]
    const Penalty* penalties; // [all rows' penalties]
    int tokens;               // ids ≥ this are padding
    int padding;
};
static_assert(sizeof(SampleParams) == 72, "CudaSampler.sample writes 72 bytes");

/** What is still kept: keys above `key`, and of those equal to it ids ≤ last_id. */
struct Kept {
    uint32_t key;
    int last_id;
    __device__ bool has(float x, int v) const {
        uint32_t k = key_of(x);
        return k > key || (k == key && v <= last_id);
    }
};

/** Copies a row to x; false if it holds a NaN or +∞. */
__device__ inline bool copy_row(float* x, const float* logits, int tokens) {
    bool is_broken = false;
    for (int v = threadIdx.x; v < tokens; v += blockDim.x) {
        float logit = logits[v];
        is_broken |= !(logit < INFINITY);
        x[v] = logit + 0.0f; // −0 becomes +0
    }
    __shared__ int any;
    if (threadIdx.x == 0) any = 0;
    __syncthreads();
    if (is_broken) any = 1;
    __syncthreads();
    return any == 0;
}

__device__ inline void penalize(float* x, int tokens, const DrawRow& d, const Penalty* penalties) {
    for (int i = d.penalty_start + static_cast<int>(threadIdx.x); i < d.penalty_end; i += blockDim.x) {
        Penalty p = penalties[i];
        if (p.token >= tokens) continue; // a padding row of the head
        float logit = x[p.token] + p.bias;
        if (p.is_seen) logit = logit > 0 ? logit / d.repetition : logit * d.repetition;
        if (p.output_count > 0) {
            logit = __fadd_rn(logit, -__fmul_rn(d.frequency, static_cast<float>(p.output_count))) - d.presence;
        }
        x[p.token] = logit + 0.0f;
    }
    __syncthreads();
}

__device__ inline Kept keep_top_k(const float* x, int tokens, int k, DrawScratch& s) {
    if (k <= 0 || k >= tokens) return {kLowestKey, -1};
    unsigned long long above;
    auto one = [](float) { return 1ull; };
    uint32_t key = select_key(x, tokens, kLowestKey + 1, k, one, above, s);
    // with fewer than k tokens above −∞ the search ends at the lowest digits: all stay
    return key <= kLowestKey ? Kept{kLowestKey, -1} : Kept{key, 0x7fffffff};
}

/** The id of the n-th x with that key (n ≥ 1), in ascending order of ids; the last one if there are fewer. */
__device__ inline int nth_with_key(const float* x, int tokens, uint32_t key, long long n, DrawScratch& s) {
    int last = -1;
    for (int from = 0; from < tokens; from += blockDim.x) {
        int v = from + threadIdx.x;
        bool is_equal = v < tokens && key_of(x[v]) == key;
        unsigned mask = __ballot_sync(kAllLanes, is_equal);
        __syncthreads();
        if (threadIdx.x % 32 == 0) s.ids[threadIdx.x / 32] = static_cast<int>(mask);
        __syncthreads();
        for (unsigned w = 0; w < blockDim.x / 32 && n > 0; w++) { // the same in every thread
            unsigned word = static_cast<unsigned>(s.ids[w]);
            for (; word != 0 && n > 0; word &= word - 1, n--) last = from + 32 * w + __ffs(static_cast<int>(word)) - 1;
        }
        if (n == 0) return last;
    }
    return last;
}

__device__ inline Kept keep_top_p(const float* x, int tokens, Kept kept, float top_p, float max, DrawScratch& s) {
    if (top_p >= 1) return kept;
    unsigned long long mass = 0;
    for (int v = threadIdx.x; v < tokens; v += blockDim.x) {
        if (kept.has(x[v], v)) mass += mass_of(x[v], max);
    }
    __syncthreads();
    if (threadIdx.x == 0) s.before = 0;
    __syncthreads();
    atomicAdd(&s.before, mass);
    __syncthreads();
    double target = static_cast<double>(top_p) * static_cast<double>(s.before);
    __syncthreads();
    uint32_t lowest = kept.last_id < 0 ? kept.key + 1 : kept.key;
    unsigned long long above;
    auto weight = [max](float value) { return mass_of(value, max); };
    uint32_t key = select_key(x, tokens, lowest, target, weight, above, s);
    unsigned long long each = mass_of(float_of_key(key), max);
    long long n = 1;
    if (each > 0) n = static_cast<long long>(ceil((target - static_cast<double>(above)) / static_cast<double>(each)));
    return {key, nth_with_key(x, tokens, key, n < 1 ? 1 : n, s)};
}

/**
 * The argmax of logit + noise over the kept tokens. It starts with the most likely one; another can only win with
 * −ln u ≤ e^(logit − best), and because −ln u ≥ 1 − u, most are ruled out without a logarithm.
 */
__device__ inline int draw_kept(const float* x, int tokens, Kept kept, float max, int first, const DrawRow& d, DrawScratch& s) {
    uint32_t noise[4];
    token_noise(noise, d.seed, first / 4, d.position, d.sample_index);
    double best = max + gumbel_of(noise[first % 4]);
    double bound = exp(max - best) * 1.0001; // a margin for the error of f32 probabilities
    int best_id = first;
    for (int from = 4 * static_cast<int>(threadIdx.x); from < tokens; from += 4 * blockDim.x) {
        int end = min(tokens, from + 4);
        bool is_any = false;
        for (int v = from; v < end; v++) is_any |= kept.has(x[v], v);
        if (!is_any) continue;
        token_noise(noise, d.seed, from / 4, d.position, d.sample_index);
        for (int v = from; v < end; v++) {
            uint32_t bits = noise[v - from];
            if (!kept.has(x[v], v) || 1 - uniform_of(bits) > expf(x[v] - max) * bound) continue;
            double value = x[v] + gumbel_of(bits);
            if (value > best || (value == best && v < best_id)) {
                best = value;
                best_id = v;
            }
        }
    }
    block_best(best, best_id, s);
    return best_id;
}

extern "C" __global__ void __launch_bounds__(1024) sample(const __grid_constant__ SampleParams p) {
    __shared__ DrawScratch s;
    const DrawRow d = p.draws[blockIdx.x];
    float* x = p.work.row(blockIdx.x);
    int* id = p.ids.row(blockIdx.x);
    if (!copy_row(x, p.logits.row(blockIdx.x), p.tokens)) {
        *id = -1;
        return;
    }
    penalize(x, p.tokens, d, p.penalties);
    float max = -INFINITY;
    bool is_broken = false;
    for (int v = threadIdx.x; v < p.tokens; v += blockDim.x) {
        if (d.temperature >= kMinTemperature && d.temperature != 1) x[v] = x[v] / d.temperature;
        is_broken |= !(x[v] < INFINITY);
        max = fmaxf(max, x[v]);
    }
    max = block_max(is_broken ? INFINITY : max, s.partial);
    if (!(max < INFINITY) || max == -INFINITY) {
        *id = -1;
        return;
    }
    int first = 0x7fffffff;
    for (int v = threadIdx.x; v < p.tokens; v += blockDim.x) {
        if (x[v] == max) first = min(first, v);
        if (d.min_p > 0 && expf(x[v] - max) < d.min_p) x[v] = -INFINITY;
    }
    first = block_min(first, s);
    if (d.temperature < kMinTemperature) {
        *id = first;
        return;
    }
    Kept kept = keep_top_k(x, p.tokens, d.top_k, s);
    kept = keep_top_p(x, p.tokens, kept, d.top_p, max, s);
    *id = draw_kept(x, p.tokens, kept, max, first, d, s);
}
