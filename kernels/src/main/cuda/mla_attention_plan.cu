// mla_attention_plan: from the step's sequences to the items of mla_attention. One block of 256 threads; once a step, all layers read it.
//
// Reference:
//     for row t of sequence s with V positions to see: segments = ceil(V / 512); row_segments[t] = (Σ segments of rows before t, segments)
//     rows of a sequence form groups of rows_per_tile from its first row on
//     in order:  an item (s, first row, rows, −1) for every group       if partials don't fit, or groups alone fill the device
//     else:      an item (s, first row, rows, g) for every segment g that the group's last row sees
//
// Bytes: 8 a sequence and row in, 8 a row and 16 an item out: latency binds (a few µs). Each thread has a run of rows: it counts, a scan
// over threads gives its first places, and it writes.
#include "mla_attention.cuh"

constexpr int kPlanThreads = 256;

struct PlanCounts {
    int partials, split_items, groups;
};

struct PlannedRow {
    int sequence, rows, segments, group_segments; // sequence −1: padding; rows 0: not the first of its group
};

__device__ __forceinline__ PlannedRow planned_row(const MlaPlanParams& p, int row) {
    if (row < p.query_starts[0] || row >= p.query_starts[p.num_sequences]) return {-1, 0, 0, 0};
    int low = 0, high = p.num_sequences - 1; // the last sequence that starts at or before the row
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (p.query_starts[middle] <= row) low = middle; else high = middle - 1;
    }
    int begin = p.query_starts[low], end = p.query_starts[low + 1], context = p.context_tokens[low];
    PlannedRow planned = {low, 0, segments_of(visible_tokens(context, end, row)), 0};
    if ((row - begin) % p.rows_per_tile == 0) {
        planned.rows = min(p.rows_per_tile, end - row);
        planned.group_segments = segments_of(visible_tokens(context, end, row + planned.rows - 1));
    }
    return planned;
}

extern "C" __global__ void __launch_bounds__(kPlanThreads) mla_attention_plan(const __grid_constant__ MlaPlanParams p) {
    __shared__ PlanCounts counts[2][kPlanThreads];
    int t = threadIdx.x;
    int per_thread = (p.num_rows + kPlanThreads - 1) / kPlanThreads;
    int begin = min(p.num_rows, t * per_thread), end = min(p.num_rows, begin + per_thread);
    PlanCounts own = {0, 0, 0};
    for (int row = begin; row < end; row++) {
        PlannedRow planned = planned_row(p, row);
        own.partials += planned.segments;
        own.split_items += planned.group_segments;
        own.groups += planned.rows > 0;
    }
    counts[0][t] = own;
    __syncthreads();
    int now = 0;
    for (int by = 1; by < kPlanThreads; by *= 2, now ^= 1) { // inclusive scan
        PlanCounts sum = counts[now][t];
        if (t >= by) {
            PlanCounts before = counts[now][t - by];
            sum = {sum.partials + before.partials, sum.split_items + before.split_items, sum.groups + before.groups};
        }
        counts[now ^ 1][t] = sum;
        __syncthreads();
    }
    PlanCounts total = counts[now][kPlanThreads - 1], upTo = counts[now][t];
    bool in_order = total.partials > p.partial_capacity || total.groups >= p.in_order_groups;
    if (t == 0) {
        p.plan[0] = in_order ? total.groups : total.split_items;
        p.plan[1] = in_order;
        p.plan[2] = p.plan[3] = 0;
    }
    int partial = upTo.partials - own.partials;
    int item = in_order ? upTo.groups - own.groups : upTo.split_items - own.split_items;
    for (int row = begin; row < end; row++) {
        PlannedRow planned = planned_row(p, row);
        p.row_segments[row] = make_int2(partial, planned.segments);
        partial += planned.segments;
        if (planned.rows == 0) continue;
        for (int g = in_order ? -1 : 0; g < (in_order ? 0 : planned.group_segments); g++) {
            p.items[item++] = make_int4(planned.sequence, row, planned.rows, g);
        }
    }
}
