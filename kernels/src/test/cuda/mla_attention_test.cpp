// TEST ONLY. mla_attention with its plan and merge, against softmax in double; split = in order = each row alone, bit by bit.
#include "kernel_test.h"
#include "mla_attention_tile.cuh"

KERNEL mla_attention_plan(BY_VALUE MlaPlanParams);
KERNEL mla_attention_512_64(BY_VALUE MlaAttentionParams);
KERNEL mla_attention_merge_512(BY_VALUE MlaAttentionParams);
KERNEL mla_attention_64_32(BY_VALUE MlaAttentionParams);
KERNEL mla_attention_merge_64(BY_VALUE MlaAttentionParams);

using namespace millrace::test;

namespace {

struct Sequence {
    int rows, context;
};

int padded_heads(int heads) {
    int padded = 1;
    while (padded < heads && padded < 64) padded *= 2;
    return padded;
}

/** A cache, queries and tables of a step; slots that no sequence owns hold NaN. */
struct Step {
    int latent, rope, heads, page_tokens, rows, max_pages, padding;
    std::vector<Sequence> sequences;
    DeviceArray<uint16_t> pages, q;
    DeviceArray<float> wide_q;
    DeviceArray<int> query_starts, context_tokens, block_tables;

    Step(int latent_, int rope_, int heads_, int page_tokens_, std::vector<Sequence> sequences_, int padding_, Numbers numbers)
        : latent(latent_), rope(rope_), heads(heads_), page_tokens(page_tokens_), rows(count(sequences_) + padding_),
          max_pages(most_pages(sequences_, page_tokens_)), padding(padding_), sequences(sequences_),
          pages((size_t)sequences_.size() * max_pages * page_tokens_ * (latent_ + rope_)), q((size_t)rows * heads_ * (latent_ + rope_)),
          wide_q(q.count), query_starts(sequences_.size() + 1), context_tokens(sequences_.size()),
          block_tables(sequences_.size() * max_pages) {
        int width = latent + rope, num_pages = (int)sequences.size() * max_pages;
        std::vector<int> order(num_pages);
        for (int i = 0; i < num_pages; i++) order[i] = i;
        for (int i = num_pages - 1; i > 0; i--) std::swap(order[i], order[numbers.below(i + 1)]);
        for (int i = 0; i < num_pages; i++) block_tables[i] = order[i];
        query_starts[0] = 0;
        for (size_t s = 0; s < sequences.size(); s++) {
            query_starts[s + 1] = query_starts[s] + sequences[s].rows;
            context_tokens[s] = sequences[s].context;
            for (int i = 0; i < sequences[s].context; i++) {
                for (int c = 0; c < width; c++) pages[key_at((int)s, i) + c] = to_bf16(numbers.uniform(-1, 1));
            }
        }
        for (size_t i = 0; i < q.count; i++) {
            q[i] = to_bf16(numbers.uniform(-1, 1));
            wide_q[i] = from_bf16(q[i]);
        }
    }
    static int count(const std::vector<Sequence>& sequences) {
        int rows = 0;
        for (const Sequence& s : sequences) rows += s.rows;
        return rows;
    }
    static int most_pages(const std::vector<Sequence>& sequences, int page_tokens) {
        int most = 1;
        for (const Sequence& s : sequences) most = std::max(most, ceil_div(s.context, page_tokens));
        return most + 1;
    }
    size_t key_at(int s, int position) const {
        size_t page = (size_t)block_tables[(size_t)s * max_pages + position / page_tokens];
        return (page * page_tokens + position % page_tokens) * (latent + rope);
    }
};

struct Options {
    unsigned blocks;
    int partial_capacity, in_order_groups, q_is_f32;
};

const float kScale = 0.11f;

/** Plan, attention, merge; returns out [rows, heads, latent]. `in_order` gets what the plan chose. */
std::vector<float> attend(const Step& step, int first_sequence, int num_sequences, int row_offset, int rows, const int* query_starts,
                          const int* context_tokens, Options options, int& in_order) {
    bool is_r1 = step.latent == 512;
    DeviceArray<int> plan(4);
    DeviceArray<int4> items((size_t)rows + options.partial_capacity + 1);
    DeviceArray<int2> row_segments(rows);
    MlaPlanParams pp = {query_starts, context_tokens, plan.data, items.data, row_segments.data, num_sequences, rows,
                        64 / padded_heads(step.heads), options.partial_capacity, options.in_order_groups, 0};
    launch("mla_attention_plan", mla_attention_plan, 1, 256, 0, pp);
    in_order = plan[1];
    if (plan[0] > rows + options.partial_capacity || items[rows + options.partial_capacity].x != -1) die("the plan wrote beyond its items");
    DeviceArray<float> out((size_t)rows * step.heads * step.latent);
    DeviceArray<float> partials((size_t)options.partial_capacity * step.heads * step.latent);
    DeviceArray<float2> partial_sums((size_t)options.partial_capacity * step.heads);
    DeviceArray<float> running((size_t)options.blocks * 64 * step.latent);
    size_t q_at = (size_t)row_offset * step.heads * (step.latent + step.rope);
    MlaAttentionParams p = {};
    p.out = out.data;
    p.q = options.q_is_f32 ? (const void*)(step.wide_q.data + q_at) : step.q.data + q_at;
    p.pages = step.pages.data;
    p.query_starts = query_starts;
    p.context_tokens = context_tokens;
    p.block_tables = step.block_tables.data + (size_t)first_sequence * step.max_pages;
    p.plan = plan.data;
    p.items = items.data;
    p.row_segments = row_segments.data;
    p.partials = partials.data;
    p.partial_sums = partial_sums.data;
    p.running = running.data;
    p.scale = kScale * 1.44269504f;
    p.num_rows = rows;
    p.num_heads = step.heads;
    p.page_tokens = step.page_tokens;
    p.max_pages = step.max_pages;
    p.q_is_f32 = options.q_is_f32;
    if (is_r1) {
        launch("mla_attention_512_64", mla_attention_512_64, options.blocks, 384, MlaTile<512, 64>::kSharedBytes, p);
        launch("mla_attention_merge_512", mla_attention_merge_512, 5, 128, 0, p);
    } else {
        launch("mla_attention_64_32", mla_attention_64_32, options.blocks, 384, MlaTile<64, 32>::kSharedBytes, p);
        launch("mla_attention_merge_64", mla_attention_merge_64, 5, 128, 0, p);
    }
    return std::vector<float>(out.data, out.data + out.count);
}

/** softmax(q · keysᵀ · scale) · latents of one row and head in double; p is rounded to bf16: 2⁻⁸ of Σ p |v|, and a little. */
void check_line(const Step& step, int s, int row, int visible, int h, const float* got) {
    int width = step.latent + step.rope;
    const uint16_t* q = step.q.data + ((size_t)row * step.heads + h) * width;
    std::vector<double> p(visible);
    double most = -1e300, sum = 0;
    for (int i = 0; i < visible; i++) {
        const uint16_t* key = step.pages.data + step.key_at(s, i);
        p[i] = 0;
        for (int c = 0; c < width; c++) p[i] += (double)from_bf16(q[c]) * from_bf16(key[c]);
        p[i] *= kScale;
        most = std::max(most, p[i]);
    }
    for (double& x : p) sum += x = std::exp(x - most);
    for (int c = 0; c < step.latent; c++) {
        double want = 0, size = 0;
        for (int i = 0; i < visible; i++) {
            double v = from_bf16(step.pages[step.key_at(s, i) + c]);
            want += p[i] / sum * v;
            size += p[i] / sum * std::fabs(v);
        }
        if (!(std::fabs(got[c] - want) <= size * (0x1p-8 + kSoftmaxSlack))) {
            die("row " + std::to_string(row) + " head " + std::to_string(h) + " column " + std::to_string(c) + ": got "
                + std::to_string(got[c]) + ", want " + std::to_string(want));
        }
    }
}

void same(const char* what, const std::vector<float>& a, size_t a_at, const std::vector<float>& b, size_t b_at, size_t count) {
    if (std::memcmp(a.data() + a_at, b.data() + b_at, count * 4) != 0) die(what);
}

/** `every`: check each `every`-th row against double, and alone. */
void test(int latent, int rope, int heads, int page_tokens, std::vector<Sequence> sequences, int padding, int every, int split_blocks) {
    Step step(latent, rope, heads, page_tokens, sequences, padding, Numbers{(uint64_t)(latent + heads)});
    int n = (int)sequences.size(), in_order = -1, row_values = heads * latent;
    std::vector<float> split = attend(step, 0, n, 0, step.rows, step.query_starts.data, step.context_tokens.data, {(unsigned)split_blocks, 4096, 1 << 30, 0}, in_order);
    if (in_order != 0) die("the plan didn't split");
    std::vector<float> ordered = attend(step, 0, n, 0, step.rows, step.query_starts.data, step.context_tokens.data, {2, 4096, 1, 1}, in_order);
    if (in_order != 1) die("the plan split although groups fill the device");
    same("in order and split differ", ordered, 0, split, 0, split.size());
    for (int s = 0, row = 0; s < n; s++) {
        for (int r = 0; r < sequences[s].rows; r++, row++) {
            if (row % every != 0 && r + 1 != sequences[s].rows) continue;
            int visible = sequences[s].context - (sequences[s].rows - 1 - r);
            int h = row % heads;
            check_line(step, s, row, visible, h, split.data() + ((size_t)row * heads + h) * latent);
            DeviceArray<int> starts(2), context(1); // this row as a step of its own
            starts[0] = 0;
            starts[1] = 1;
            context[0] = visible;
            int capacity = row % 2 * 4096;
            std::vector<float> alone = attend(step, s, 1, row, 1, starts.data, context.data, {1, capacity, 1 << 30, 0}, in_order);
            if (in_order != (row % 2 == 0)) die("a plan without room for partials must go in order");
            same("a row alone differs", alone, 0, split, (size_t)row * row_values, row_values);
        }
    }
    for (size_t i = split.size() - (size_t)padding * row_values; i < split.size(); i++) {
        if (split[i] != 0) die("padding rows aren't zero");
    }
    std::printf("ok  mla_attention %d + %d, %d heads, %d rows\n", latent, rope, heads, step.rows);
}

} // namespace

int main() {
    test(64, 32, 4, 16, {{1, 1}, {1, 5}, {1, 64}, {37, 37}, {1, 65}, {1, 513}, {40, 600}, {2, 1100}}, 3, 7, 9);
    test(64, 32, 2, 8, {{70, 530}, {3, 3}}, 1, 11, 4);
    test(64, 32, 12, 16, {{5, 515}, {1, 512}, {0, 9}, {1, 511}}, 0, 1, 3);
    test(512, 64, 16, 64, {{1, 70}, {2, 514}, {5, 5}}, 1, 2, 4);
    test(512, 64, 128, 64, {{1, 100}, {1, 3}}, 0, 1, 4);
    return 0;
}
