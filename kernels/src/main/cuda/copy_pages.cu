// Copies whole pages, all pairs at once: no page may be both read and written. One block per pair and token.
// Floor: pairs · page · 2 bytes moved.
#include "rows.cuh"

struct CopyPagesParams {
    Rows<uint16_t> pages;  // [pages · page_tokens, cols] of 2 or 4 bytes; ld in elements
    Rows<const int> pairs; // [n, 2] i32: from, to
    Fault* fault;
    int cols;              // of a token
    int page_tokens;
    int num_pages;
    int is_bf16;           // else f32
};
static_assert(sizeof(CopyPagesParams) == 56, "CudaRows.copyPages writes 56 bytes");

extern "C" __global__ void __launch_bounds__(256) copy_pages(const __grid_constant__ CopyPagesParams p) {
    const int* pair = p.pairs.row(blockIdx.x);
    if (!in_range(p.fault, kFaultPageToRead, blockIdx.x, pair[0], p.num_pages)
        || !in_range(p.fault, kFaultPageToWrite, blockIdx.x, pair[1], p.num_pages)) {
        return;
    }
    int halves = p.is_bf16 ? 1 : 2; // of 2 bytes, per element
    int64_t from = static_cast<int64_t>(pair[0]) * p.page_tokens + blockIdx.y;
    int64_t to = static_cast<int64_t>(pair[1]) * p.page_tokens + blockIdx.y;
    const uint16_t* source = p.pages.at + from * p.pages.ld * halves;
    uint16_t* target = p.pages.at + to * p.pages.ld * halves;
    for (int i = threadIdx.x; i < p.cols * halves; i += 256) target[i] = source[i];
}
