// TEST ONLY. What the tests of the heavy kernels share: numbers, weights tiled as the host must tile them, launches, comparisons.
// By g++ the kernels run in the emulator, by nvcc on a device (memory is managed memory then).
#pragma once
#ifndef __CUDACC__
#include "emulator.h"
#define KERNEL extern "C" void
#define BY_VALUE const
#else
#include <cuda_runtime.h>
#define KERNEL extern "C" __global__ void
#define BY_VALUE const __grid_constant__
#endif
#include "tiled_gemm.cuh"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace millrace::test {

/** SplitMix64: numbers of a test depend on its seed alone. */
struct Numbers {
    uint64_t state;
    uint64_t next() {
        uint64_t z = state += 0x9e3779b97f4a7c15ull;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        return z ^ z >> 31;
    }
    float uniform(float low, float high) { return low + (high - low) * (float)(next() >> 40) * 0x1p-24f; }
    int below(int bound) { return (int)(next() % (uint64_t)bound); }
    /** A finite e4m3 code of magnitude below 16. */
    uint8_t code() { return (uint8_t)((next() % 0x58) | (next() & 1) << 7); }
};

/** Slack of a comparison, as a share of Σ|a · b|. An e4m3 tensor core keeps about 14 bits inside a block, the emulator all of f32. */
#ifndef __CUDACC__
constexpr double kE4m3Slack = 2e-6, kBf16Slack = 2e-6, kSoftmaxSlack = 1e-5;
#else
constexpr double kE4m3Slack = 1e-3, kBf16Slack = 2e-5, kSoftmaxSlack = 1e-4;
#endif

inline uint32_t bits_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return bits;
}
inline float from_bf16(uint16_t code) {
    uint32_t bits = (uint32_t)code << 16;
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
}
/** To nearest even; of finite numbers. */
inline uint16_t to_bf16(float x) { return (uint16_t)((bits_of(x) + 0x7fff + (bits_of(x) >> 16 & 1)) >> 16); }
/** By the format's definition: bias 7, subnormals, no infinities. */
inline float from_e4m3(uint8_t code) {
    int exponent = code >> 3 & 15, mantissa = code & 7;
    double size = exponent == 0 ? mantissa / 512.0 : (1 + mantissa / 8.0) * std::pow(2.0, exponent - 7);
    return (float)(code & 0x80 ? -size : size);
}

inline int ceil_div(int a, int b) { return (a + b - 1) / b; }

[[noreturn]] inline void die(const std::string& why) {
    std::fprintf(stderr, "FAILED: %s\n", why.c_str());
    std::exit(1);
}

/** Memory aligned as device memory is. */
template <class T> struct DeviceArray {
    T* data = nullptr;
    size_t count = 0;
    explicit DeviceArray(size_t n) : count(n) {
#ifndef __CUDACC__
        data = (T*)std::aligned_alloc(256, (n * sizeof(T) + 511) / 256 * 256);
#else
        if (cudaMallocManaged(&data, (n * sizeof(T) + 511) / 256 * 256) != cudaSuccess) die("no managed memory");
#endif
        std::memset((void*)data, 0xff, (n * sizeof(T) + 511) / 256 * 256);
    }
    DeviceArray(DeviceArray&& other) noexcept : data(other.data), count(other.count) { other.data = nullptr; }
    DeviceArray(const DeviceArray&) = delete;
    ~DeviceArray() {
#ifndef __CUDACC__
        std::free(data);
#else
        cudaFree(data);
#endif
    }
    T& operator[](size_t i) { return data[i]; }
    const T& operator[](size_t i) const { return data[i]; }
};

/** A weight's plain form and its tiles: [groups, rows, columns]. elementBytes 1: e4m3 with scales per 128 × 128; 2: bf16. */
struct Weight {
    int groups, rows, cols, element_bytes, part_rows, num_tiles, num_blocks;
    DeviceArray<unsigned char> plain, tiles;
    std::vector<float> scales; // [groups, parts, ceil(part_rows / 128), num_blocks]
    DeviceArray<float> tile_scales;
    DeviceArray<int2> tile_rows;

    Weight(int groups_, int parts, int part_rows_, int cols_, int element_bytes_, Numbers numbers)
        : groups(groups_), rows(parts * part_rows_), cols(cols_), element_bytes(element_bytes_), part_rows(part_rows_),
          num_tiles(parts * ceil_div(part_rows_, 64)), num_blocks(ceil_div(cols_ * element_bytes_, 128)),
          plain((size_t)groups_ * rows * cols_ * element_bytes_), tiles((size_t)groups_ * num_tiles * num_blocks * 8192),
          tile_scales((size_t)groups_ * num_tiles * num_blocks), tile_rows(num_tiles) {
        for (size_t i = 0; i < (size_t)groups * rows * cols; i++) {
            if (element_bytes == 1) {
                plain[i] = numbers.code();
            } else {
                ((uint16_t*)plain.data)[i] = to_bf16(numbers.uniform(-1, 1));
            }
        }
        std::memset(tiles.data, 0, tiles.count);
        int part_tiles = ceil_div(part_rows, 64), part_blocks = ceil_div(part_rows, 128);
        scales.resize((size_t)groups * parts * part_blocks * num_blocks);
        for (float& s : scales) s = numbers.uniform(0.001f, 0.02f);
        for (int tile = 0; tile < num_tiles; tile++) {
            int part = tile / part_tiles, first = tile % part_tiles * 64;
            tile_rows[tile] = {part * part_rows + first, std::min(64, part_rows - first)};
            for (int g = 0; g < groups; g++) {
                for (int b = 0; b < num_blocks; b++) {
                    tile_scales[((size_t)g * num_tiles + tile) * num_blocks + b] = scale(g, part * part_rows + first, b);
                    fill_tile(g, tile, b);
                }
            }
        }
    }

    void fill_tile(int g, int tile, int b) {
        unsigned char* at = tiles.data + (((size_t)g * num_tiles + tile) * num_blocks + b) * 8192;
        for (int r = 0; r < tile_rows[tile].y; r++) {
            const unsigned char* row = plain.data + ((size_t)g * rows + tile_rows[tile].x + r) * cols * element_bytes;
            for (int i = 0; i < 128 && b * 128 + i < cols * element_bytes; i++) {
                at[r * 128 + ((i / 16 ^ (r & 7)) << 4) + i % 16] = row[b * 128 + i];
            }
        }
    }

    float scale(int g, int row, int block) const {
        int part_blocks = ceil_div(part_rows, 128), parts = rows / part_rows;
        return scales[(((size_t)g * parts + row / part_rows) * part_blocks + row % part_rows / 128) * num_blocks + block];
    }
    /** Decoded codes, without scale. */
    std::vector<float> decoded() const {
        std::vector<float> values((size_t)groups * rows * cols);
        for (size_t i = 0; i < values.size(); i++) {
            values[i] = element_bytes == 1 ? from_e4m3(plain[i]) : from_bf16(((const uint16_t*)plain.data)[i]);
        }
        return values;
    }
};

template <class P> inline void launch(const char* name, void (*kernel)(P), unsigned blocks, unsigned threads, size_t shared, P params) {
#ifdef __CUDACC__
    void* arguments[] = {&params};
    cudaError_t result = cudaFuncSetAttribute((const void*)kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared);
    if (result == cudaSuccess) result = cudaLaunchKernel((const void*)kernel, dim3(blocks), dim3(threads), arguments, shared, 0);
    if (result == cudaSuccess) result = cudaDeviceSynchronize();
    if (result != cudaSuccess) die(std::string(name) + ": " + cudaGetErrorString(result));
#else
    const char* why = emulator::run_grid(name, (void*)kernel, {blocks, 1, 1}, {threads, 1, 1}, shared, &params, sizeof params);
    if (why != nullptr) die(why);
#endif
}

} // namespace millrace::test
