// Log-softmax of the raw logits of the sampled id (column 0) and of the k most likely ones (lower id on ties). A block of 256
// threads per row; the sum is in double, always by the same tree. Rows whose sampled id is −1 are left alone.
// Floor: S · V · 4 bytes; the k passes that follow come from L2.
#include "sampler.cuh"

constexpr int kLogprobThreads = 256;

struct TopLogprobsParams {
    Rows<int> ids;            // [S, k + 1] i32
    Rows<float> logprobs;     // [S, k + 1] f32
    Rows<const float> logits; // [S, V] f32
    Rows<const int> sampled;  // [S] i32
    Fault* fault;
    int tokens;               // ids ≥ this are padding
    int top_k;                // k
};
static_assert(sizeof(TopLogprobsParams) == 80, "CudaSampler.topLogprobs writes 80 bytes");

extern "C" __global__ void __launch_bounds__(kLogprobThreads) top_logprobs(const __grid_constant__ TopLogprobsParams p) {
    __shared__ DrawScratch s;
    __shared__ double partial[32];
    int row = blockIdx.x;
    int id = *p.sampled.row(row);
    if (id < 0 || !in_range(p.fault, kFaultSampledId, row, id, p.tokens)) return;
    const float* x = p.logits.row(row);
    float max = -INFINITY;
    for (int v = threadIdx.x; v < p.tokens; v += kLogprobThreads) max = fmaxf(max, x[v]);
    max = block_max(max, s.partial);
    double sum = 0;
    for (int v = threadIdx.x; v < p.tokens; v += kLogprobThreads) sum += expf(x[v] - max);
    double log_sum = max + log(block_sum(sum, partial));
    double last = INFINITY;
    int last_id = -1;
    for (int i = 0; i <= p.top_k; i++) {
        if (i > 0) { // the largest that comes after the last one
            double best = -INFINITY;
            int best_id = 0x7fffffff;
            for (int v = threadIdx.x; v < p.tokens; v += kLogprobThreads) {
                bool is_after = x[v] < last || (x[v] == last && v > last_id);
                if (is_after && (x[v] > best || (x[v] == best && v < best_id))) {
                    best = x[v];
                    best_id = v;
                }
            }
            block_best(best, best_id, s);
            last = best;
            last_id = id = best_id;
        }
        if (threadIdx.x == 0 && id < p.tokens) {
            p.ids.row(row)[i] = id;
            p.logprobs.row(row)[i] = static_cast<float>(x[id] - log_sum);
        }
    }
}
