// out[t] = x[t] · weight / sqrt(mean(x[t]²) + eps), and the same after residual[t] += x[t]. One block of 256 threads per row: its
// sum of squares is always the same tree, so a row's bits don't depend on the others. out may be x.
// Floor: T · D · 8 bytes (16 with residual). x is read twice; the second time from L1.
#include "rows.cuh"

constexpr int kNormThreads = 256;

struct RmsNormParams {
    Rows<float> out;          // [T, D] f32
    Rows<const float> x;      // [T, D] f32
    Rows<const float> weight; // [D] f32, ld = elements between neighbours
    int cols;                 // D
    float eps;
};
static_assert(sizeof(RmsNormParams) == 56, "CudaRows.rmsNorm writes 56 bytes");

struct AddRmsNormParams {
    Rows<float> out;          // [T, D] f32
    Rows<float> residual;     // [T, D] f32, += x
    Rows<const float> x;      // [T, D] f32
    Rows<const float> weight; // [D] f32
    int cols;                 // D
    float eps;
};
static_assert(sizeof(AddRmsNormParams) == 72, "CudaRows.addRmsNorm writes 72 bytes");

__device__ inline void scale_row(float* out, const float* x, Rows<const float> weight, int cols, float squares, float eps) {
    float inverse = 1.0f / sqrtf(squares / static_cast<float>(cols) + eps);
    for (int i = threadIdx.x; i < cols; i += kNormThreads) out[i] = x[i] * inverse * *weight.row(i);
}

extern "C" __global__ void __launch_bounds__(kNormThreads) rms_norm(const __grid_constant__ RmsNormParams p) {
    __shared__ float partial[32];
    const float* x = p.x.row(blockIdx.x);
    float squares = 0;
    for (int i = threadIdx.x; i < p.cols; i += kNormThreads) squares += x[i] * x[i];
    scale_row(p.out.row(blockIdx.x), x, p.weight, p.cols, block_sum(squares, partial), p.eps);
}

extern "C" __global__ void __launch_bounds__(kNormThreads) add_rms_norm(const __grid_constant__ AddRmsNormParams p) {
    __shared__ float partial[32];
    const float* x = p.x.row(blockIdx.x);
    float* residual = p.residual.row(blockIdx.x);
    float squares = 0;
    for (int i = threadIdx.x; i < p.cols; i += kNormThreads) { // each thread reads back only what it wrote itself
        float sum = residual[i] + x[i];
        residual[i] = sum;
        squares += sum * sum;
    }
    scale_row(p.out.row(blockIdx.x), residual, p.weight, p.cols, block_sum(squares, partial), p.eps);
}
