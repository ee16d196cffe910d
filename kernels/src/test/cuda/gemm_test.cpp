// TEST ONLY. gemm, grouped_gemm, dense_gemm and head_gemm against plain loops in double, and their promise of equal bits.
#include "kernel_test.h"

#define DECLARE(name) KERNEL name(BY_VALUE TiledGemmParams);
DECLARE(gemm_8) DECLARE(gemm_16) DECLARE(gemm_32) DECLARE(gemm_64) DECLARE(gemm_128)
DECLARE(grouped_gemm_8) DECLARE(grouped_gemm_16) DECLARE(grouped_gemm_32) DECLARE(grouped_gemm_64) DECLARE(grouped_gemm_128)
DECLARE(dense_gemm_8) DECLARE(dense_gemm_32) DECLARE(dense_gemm_128)
DECLARE(head_gemm_8) DECLARE(head_gemm_32) DECLARE(head_gemm_128)

using namespace millrace::test;

namespace {

struct Variant {
    const char* name;
    void (*kernel)(TiledGemmParams);
    int tokens, threads, shared;
};
#define VARIANT(op, Format, tokens, warpgroups, routed)                                                                         \
    Variant { #op "_" #tokens, op##_##tokens, tokens, TiledGemm<Format, tokens, warpgroups, routed>::kThreads,                     \
              TiledGemm<Format, tokens, warpgroups, routed>::kSharedBytes }

const std::vector<Variant> kGemm = {VARIANT(gemm, E4m3Blocks, 8, 1, false), VARIANT(gemm, E4m3Blocks, 16, 1, false),
                                    VARIANT(gemm, E4m3Blocks, 32, 1, false), VARIANT(gemm, E4m3Blocks, 64, 1, false),
                                    VARIANT(gemm, E4m3Blocks, 128, 2, false)};
const std::vector<Variant> kGrouped = {VARIANT(grouped_gemm, E4m3Blocks, 8, 1, true), VARIANT(grouped_gemm, E4m3Blocks, 16, 1, true),
                                       VARIANT(grouped_gemm, E4m3Blocks, 32, 1, true), VARIANT(grouped_gemm, E4m3Blocks, 64, 1, true),
                                       VARIANT(grouped_gemm, E4m3Blocks, 128, 2, true)};
const std::vector<Variant> kDense = {VARIANT(dense_gemm, Bf16Blocks, 8, 1, false), VARIANT(dense_gemm, Bf16Blocks, 32, 1, false),
                                     VARIANT(dense_gemm, Bf16Blocks, 128, 2, false)};
const std::vector<Variant> kHead = {VARIANT(head_gemm, Bf16Blocks, 8, 1, false), VARIANT(head_gemm, Bf16Blocks, 32, 1, false),
                                    VARIANT(head_gemm, Bf16Blocks, 128, 2, false)};

/** Rows of x as e4m3 with scales, bf16 or f32; what the kernel multiplies is values · scale. */
struct Rows {
    int rows, cols, blocks;
    DeviceArray<uint8_t> codes;
    DeviceArray<float> scales; // [rows, blocks]
    DeviceArray<uint16_t> bf16;
    DeviceArray<float> f32;
    Rows(int rows_, int cols_, Numbers numbers)
        : rows(rows_), cols(cols_), blocks(ceil_div(cols_, 128)), codes((size_t)rows_ * cols_), scales((size_t)rows_ * blocks),
          bf16((size_t)rows_ * cols_), f32((size_t)rows_ * cols_) {
        for (size_t i = 0; i < codes.count; i++) {
            codes[i] = numbers.code();
            f32[i] = numbers.uniform(-1, 1);
            bf16[i] = to_bf16(f32[i]);
        }
        for (size_t i = 0; i < scales.count; i++) scales[i] = numbers.uniform(0.005f, 0.05f);
    }
};

TiledGemmParams params_of(const Weight& w, const Rows& x, float* out, int rows) {
    TiledGemmParams p = {};
    p.out = out;
    p.x = w.element_bytes == 1 ? (const void*)x.codes.data : x.bf16.data;
    p.x_scales = x.scales.data;
    p.tiles = w.tiles.data;
    p.tile_scales = w.tile_scales.data;
    p.tile_rows = w.tile_rows.data;
    p.num_rows = rows;
    p.num_groups = w.groups;
    p.num_tiles = w.num_tiles;
    p.num_blocks = w.num_blocks;
    p.k_bytes = w.cols * w.element_bytes;
    p.x_stride = x.cols;
    p.x_scale_row = x.blocks;
    p.x_scale_block = 1;
    p.out_stride = w.rows;
    p.num_splits = 1;
    return p;
}

/** Room for the partials of a product that is cut along k. */
struct Splits {
    DeviceArray<float> partials;
    DeviceArray<unsigned> arrivals;
    Splits(const Weight& w, int rows, int num_splits, int tokens)
        : partials((size_t)ceil_div(rows, tokens) * (w.num_tiles + 1) * num_splits * 64 * tokens),
          arrivals((size_t)ceil_div(rows, tokens) * (w.num_tiles + 1)) {
        std::memset(arrivals.data, 0, arrivals.count * 4);
    }
    void use(TiledGemmParams& p, int num_splits) {
        p.partials = partials.data;
        p.arrivals = arrivals.data;
        p.num_splits = num_splits;
    }
    void check_done() const {
        for (size_t i = 0; i < arrivals.count; i++) {
            if (arrivals[i] != 0) die("arrivals aren't 0 after a launch");
        }
    }
};

void run(const Variant& v, TiledGemmParams p, unsigned blocks) { launch(v.name, v.kernel, blocks, v.threads, v.shared, p); }

/** One number of gemm or grouped_gemm by the definition, in double; `size` gets Σ|a · b|. */
double expected(const Weight& w, const std::vector<float>& decoded, int g, int n, const std::vector<float>& row, const float* scales, double& size) {
    double sum = 0;
    size = 0;
    const float* weights = decoded.data() + ((size_t)g * w.rows + n) * w.cols;
    for (int k = 0; k < w.cols; k++) {
        double product = (double)row[k] * weights[k];
        if (w.element_bytes == 1) product *= (double)scales[k / 128] * w.scale(g, n, k / 128);
        sum += product;
        size += std::fabs(product);
    }
    return sum;
}

std::vector<float> row_of(const Weight& w, const Rows& x, int r, int start) {
    std::vector<float> row(w.cols);
    for (int k = 0; k < w.cols; k++) {
        size_t at = (size_t)r * x.cols + start + k;
        row[k] = w.element_bytes == 1 ? from_e4m3(x.codes[at]) : from_bf16(x.bf16[at]);
    }
    return row;
}

void check(const std::string& what, double got, double want, double size, double slack) {
    if (!(std::fabs(got - want) <= slack * size + 1e-30)) {
        die(what + ": got " + std::to_string(got) + ", want " + std::to_string(want) + " of Σ|ab| " + std::to_string(size));
    }
}

void check_bits(const std::string& what, const float* a, const float* b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bits_of(a[i]) != bits_of(b[i])) {
            die(what + ": element " + std::to_string(i) + " is " + std::to_string(a[i]) + " and " + std::to_string(b[i]));
        }
    }
}

/** Every variant against double at `rows` rows; row 0 alone must give the same bits as row 0 among all, by every variant. */
void test_matrix(const std::vector<Variant>& variants, int parts, int part_rows, int cols, int rows, unsigned blocks, int num_splits = 1) {
    int bytes = variants[0].name[0] == 'g' ? 1 : 2; // gemm or dense_gemm
    Weight w(1, parts, part_rows, cols, bytes, Numbers{(uint64_t)(part_rows * 31 + cols)});
    Rows x(rows, cols, Numbers{(uint64_t)(rows * 7 + cols)});
    std::vector<float> decoded = w.decoded();
    std::vector<float> first;
    for (const Variant& v : variants) {
        std::string what = std::string(v.name) + " [" + std::to_string(rows) + ", " + std::to_string(w.rows) + ", " + std::to_string(cols) + "]";
        DeviceArray<float> out((size_t)(rows + 1) * w.rows);
        Splits splits(w, rows, num_splits, v.tokens);
        TiledGemmParams all = params_of(w, x, out.data, rows);
        splits.use(all, num_splits);
        run(v, all, blocks);
        splits.check_done();
        if (bits_of(out[(size_t)rows * w.rows]) != 0xffffffffu) die(what + ": wrote beyond its rows");
        for (int r = 0; r < rows && first.empty(); r++) {
            std::vector<float> row = row_of(w, x, r, 0);
            for (int n = 0; n < w.rows; n++) {
                double size, want = expected(w, decoded, 0, n, row, x.scales.data + (size_t)r * x.blocks, size);
                check(what + " at " + std::to_string(r) + ", " + std::to_string(n), out[(size_t)r * w.rows + n], want, size, bytes == 1 ? kE4m3Slack : kBf16Slack);
            }
        }
        if (first.empty()) first.assign(out.data, out.data + (size_t)rows * w.rows);
        check_bits(what + " against the first variant", out.data, first.data(), first.size());
        DeviceArray<float> alone(w.rows);
        TiledGemmParams single = params_of(w, x, alone.data, 1);
        splits.use(single, num_splits);
        run(v, single, 3);
        splits.check_done();
        check_bits(what + ": row 0 alone", alone.data, first.data(), w.rows);
    }
    std::printf("ok  %s … [%d, %d, %d] in %d\n", variants[0].name, rows, w.rows, cols, num_splits);
}

/** Experts with 0, 1, few and many rows; gathered and not; all variants and grids give the same bits, which are those of gemm. */
void test_grouped(int experts, int parts, int part_rows, int cols, int tokens, int choices, bool gather) {
    Weight w(experts, parts, part_rows, cols, 1, Numbers{(uint64_t)(experts + cols)});
    int pairs = tokens * choices;
    Rows x(gather ? tokens : pairs, cols, Numbers{(uint64_t)(tokens + 11)});
    Numbers numbers{99};
    std::vector<std::vector<int>> chosen(experts);
    for (int t = 0; t < tokens; t++) {
        for (int c = 0; c < choices; c++) { // skewed: half of the tokens choose expert 1
            int e = c == 0 && t % 2 == 0 ? 1 : (numbers.below(experts - 2) + 2);
            while (!chosen[e].empty() && chosen[e].back() == t) e = e + 1 == experts ? 2 : e + 1;
            chosen[e].push_back(t);
        }
    }
    DeviceArray<int> offsets(experts + 1), pair_tokens(pairs);
    offsets[0] = 0;
    for (int e = 0, r = 0; e < experts; e++) {
        for (int t : chosen[e]) pair_tokens[r++] = t;
        offsets[e + 1] = r;
    }
    std::vector<float> decoded = w.decoded(), first;
    for (const Variant& v : kGrouped) {
        std::string what = std::string(v.name) + (gather ? " gather" : "") + " E " + std::to_string(experts);
        for (unsigned blocks : {1u, 7u, 132u}) {
            DeviceArray<float> out((size_t)(pairs + 1) * w.rows);
            TiledGemmParams p = params_of(w, x, out.data, -1);
            p.offsets = offsets.data;
            p.pair_tokens = gather ? pair_tokens.data : nullptr;
            run(v, p, blocks);
            if (bits_of(out[(size_t)pairs * w.rows]) != 0xffffffffu) die(what + ": wrote beyond its rows");
            if (first.empty()) first.assign(out.data, out.data + (size_t)pairs * w.rows);
            check_bits(what, out.data, first.data(), first.size());
        }
    }
    for (int e = 0; e < experts; e++) {
        for (int r = offsets[e]; r < offsets[e + 1]; r++) {
            int source = gather ? pair_tokens[r] : r;
            std::vector<float> row = row_of(w, x, source, 0);
            for (int n = 0; n < w.rows; n++) {
                double size, want = expected(w, decoded, e, n, row, x.scales.data + (size_t)source * x.blocks, size);
                check("grouped_gemm row " + std::to_string(r), first[(size_t)r * w.rows + n], want, size, kE4m3Slack);
            }
            if (r != offsets[e]) continue; // one row of each expert by gemm: the same bits
            DeviceArray<float> alone(w.rows);
            TiledGemmParams p = params_of(w, x, alone.data, 1);
            p.tiles += (size_t)e * w.num_tiles * w.num_blocks * 8192;
            p.tile_scales += (size_t)e * w.num_tiles * w.num_blocks;
            p.num_groups = 1;
            p.x = (const uint8_t*)p.x + (size_t)source * x.cols;
            p.x_scales += (size_t)source * x.blocks;
            run(kGemm[0], p, 2);
            check_bits("grouped_gemm against gemm, row " + std::to_string(r), alone.data, first.data() + (size_t)r * w.rows, w.rows);
        }
    }
    std::printf("ok  grouped_gemm E %d [%d, %d] %d pairs%s\n", experts, w.rows, cols, pairs, gather ? ", gathered" : "");
}

/** Heads with columns before and after the product's own, f32 and bf16 x. */
void test_heads(int heads, int n, int k, int rows, int x_start, int x_head, int out_start, int out_head) {
    Weight w(heads, 1, n, k, 2, Numbers{(uint64_t)(heads * n + k)});
    Rows x(rows, heads * x_head, Numbers{5});
    std::vector<float> decoded = w.decoded(), first;
    for (const Variant& v : kHead) {
        for (int is_f32 = 0; is_f32 < 2; is_f32++) {
            DeviceArray<float> out((size_t)rows * heads * out_head);
            TiledGemmParams p = params_of(w, x, out.data, rows);
            p.x = is_f32 ? (const void*)x.f32.data : x.bf16.data;
            p.x_is_f32 = is_f32;
            p.x_start = x_start;
            p.x_group = x_head;
            p.out_stride = heads * out_head;
            p.out_start = out_start;
            p.out_group = out_head;
            run(v, p, 5);
            if (first.empty()) first.assign(out.data, out.data + out.count);
            check_bits(std::string(v.name) + (is_f32 ? " f32" : " bf16"), out.data, first.data(), first.size());
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int h = 0; h < heads; h++) {
            std::vector<float> row = row_of(w, x, r, h * x_head + x_start);
            for (int c = 0; c < out_head; c++) {
                float got = first[((size_t)r * heads + h) * out_head + c];
                if (c < out_start || c >= out_start + n) {
                    if (bits_of(got) != 0xffffffffu) die("head_gemm wrote column " + std::to_string(c));
                    continue;
                }
                double size, want = expected(w, decoded, h, c - out_start, row, nullptr, size);
                check("head_gemm", got, want, size, kBf16Slack);
            }
        }
    }
    std::printf("ok  head_gemm %d heads [%d, %d, %d]\n", heads, rows, n, k);
}

/** bf16 out is the rounded f32 out. */
void test_bf16_out() {
    Weight w(1, 2, 96, 192, 1, Numbers{3});
    Rows x(21, 192, Numbers{4});
    DeviceArray<float> wide((size_t)21 * w.rows);
    DeviceArray<uint16_t> narrow((size_t)21 * w.rows);
    run(kGemm[2], params_of(w, x, wide.data, 21), 2);
    TiledGemmParams p = params_of(w, x, (float*)narrow.data, 21);
    p.out_is_bf16 = 1;
    run(kGemm[4], p, 2);
    for (size_t i = 0; i < wide.count; i++) {
        if (narrow[i] != to_bf16(wide[i])) die("bf16 out at " + std::to_string(i));
    }
    std::printf("ok  gemm bf16 out\n");
}

/** The shapes of one rank of R1 under TP8, few rows: gate and up are two parts. */
void test_r1_rank() {
    const std::vector<Variant> narrow = {kGemm[0]}, few = {kGemm[0], kGemm[1]}, dense = {kDense[0]};
    test_matrix(few, 1, 1536, 7168, 2, 132, 4); // q_a
    test_matrix(few, 1, 576, 7168, 3, 132, 8); // kv_a
    test_matrix(narrow, 1, 3072, 1536, 2, 132); // q_b
    test_matrix(narrow, 1, 7168, 2048, 1, 132); // o
    test_matrix(narrow, 2, 2304, 7168, 1, 132); // dense gate, up
    test_matrix(narrow, 1, 7168, 2304, 1, 132); // dense down
    test_matrix(few, 2, 256, 7168, 3, 132, 8); // shared gate, up
    test_matrix(few, 1, 7168, 256, 3, 132);   // shared down
    test_matrix(dense, 1, 256, 7168, 3, 132, 16); // router
    test_matrix(dense, 1, 16160, 7168, 1, 132); // head
    test_heads(16, 512, 128, 3, 0, 192, 0, 576); // q → latent
    test_heads(16, 128, 512, 3, 0, 512, 0, 128); // latent → v
    test_grouped(8, 2, 256, 7168, 3, 3, true);  // expert gate, up (8 of 256 experts)
    test_grouped(8, 1, 7168, 256, 3, 3, false); // expert down
}

} // namespace

int main() {
    test_matrix(kGemm, 1, 64, 128, 1, 1);
    test_matrix(kGemm, 1, 200, 160, 9, 2);
    test_matrix(kGemm, 2, 96, 192, 37, 4);
    test_matrix(kGemm, 3, 32, 96, 131, 3); // tiny-r1 and a tensor-parallel piece of it
    test_matrix(kGemm, 1, 300, 1040, 260, 3);
    test_matrix(kGemm, 1, 200, 1040, 140, 5, 3);
    test_matrix(kGemm, 3, 64, 256, 20, 1, 2);
    test_matrix(kDense, 1, 130, 448, 70, 4, 4);
    test_bf16_out();
    test_matrix(kDense, 1, 16, 192, 5, 1);
    test_matrix(kDense, 1, 512, 192, 33, 3);
    test_matrix(kDense, 1, 192, 384, 130, 3);
    test_heads(4, 64, 32, 11, 0, 64, 0, 96);
    test_heads(4, 32, 64, 40, 0, 64, 8, 48);
    test_grouped(16, 2, 64, 192, 13, 4, true);
    test_grouped(16, 1, 192, 64, 40, 4, false);
    test_grouped(64, 2, 32, 192, 150, 6, true);
    test_r1_rank();
    return 0;
}
