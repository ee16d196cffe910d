// Pieces of `sample`: random numbers, and selection by radix, which sorts nothing. All sums are integers, so neither the number of
// threads nor their order changes a bit.
#pragma once
#include "rows.cuh"

constexpr double kMassUnit = 1099511627776.0; // 2^40: probabilities relative to the largest as integers
constexpr uint32_t kLowestKey = 0x007fffffu;  // key of −∞

/** A key whose unsigned order is the float order; −0 must have become +0. */
__device__ inline uint32_t key_of(float x) {
    uint32_t bits = __float_as_uint(x);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ inline float float_of_key(uint32_t key) {
    return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

/** exp(x − max) in units of 2^-40. */
__device__ inline unsigned long long mass_of(float x, float max) {
    return static_cast<unsigned long long>(static_cast<double>(expf(x - max)) * kMassUnit);
}

/** Philox4x32-10 (Salmon et al. 2011) of the four tokens 4 · block …, as numeric.Philox. */
__device__ inline void token_noise(uint32_t (&out)[4], uint64_t seed, uint32_t block, uint32_t position, uint32_t sample_index) {
    uint32_t c0 = block, c1 = position, c2 = sample_index, c3 = 1;
    uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint32_t high0 = __umulhi(0xD2511F53u, c0), low0 = 0xD2511F53u * c0;
        uint32_t high1 = __umulhi(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}
__device__ inline double uniform_of(uint32_t bits) { return (bits + 0.5) * (1.0 / 4294967296.0); }
__device__ inline double gumbel_of(uint32_t bits) { return -log(-log(uniform_of(bits))); }

/** What a block keeps in shared memory while it draws. */
struct DrawScratch {
    unsigned long long bins[256];
    unsigned long long before; // weight above the digit that was found
    double values[32];
    float partial[32];
    int ids[32];
    int digit;
};

/** The block's smallest id; every thread gets it. */
__device__ inline int block_min(int id, DrawScratch& s) {
    for (int bits = 16; bits > 0; bits /= 2) id = min(id, __shfl_xor_sync(kAllLanes, id, bits));
    __syncthreads();
    if (threadIdx.x % 32 == 0) s.ids[threadIdx.x / 32] = id;
    __syncthreads();
    int lowest = s.ids[0];
    for (unsigned w = 1; w < blockDim.x / 32; w++) lowest = min(lowest, s.ids[w]);
    return lowest;
}

/** The block's largest value, the lower id of equals; every thread gets both. */
__device__ inline void block_best(double& value, int& id, DrawScratch& s) {
    for (int bits = 16; bits > 0; bits /= 2) {
        double other = __shfl_xor_sync(kAllLanes, value, bits);
        int other_id = __shfl_xor_sync(kAllLanes, id, bits);
        if (other > value || (other == value && other_id < id)) {
            value = other;
            id = other_id;
        }
    }
    __syncthreads();
    if (threadIdx.x % 32 == 0) {
        s.values[threadIdx.x / 32] = value;
        s.ids[threadIdx.x / 32] = id;
    }
    __syncthreads();
    value = s.values[0];
    id = s.ids[0];
    for (unsigned w = 1; w < blockDim.x / 32; w++) {
        if (s.values[w] > value || (s.values[w] == value && s.ids[w] < id)) {
            value = s.values[w];
            id = s.ids[w];
        }
    }
}

/**
 * The key at which the weights of x [count], summed from the largest key down, first reach `target`; four passes, one per byte.
 * Only keys ≥ `lowest` count; weight(x) is an integer. `above` gets the weight of all larger keys.
 */
template <class Weight>
__device__ inline uint32_t select_key(const float* x, int count, uint32_t lowest, double target, Weight weight,
                                      unsigned long long& above, DrawScratch& s) {
    uint32_t found = 0;
    above = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        for (int i = threadIdx.x; i < 256; i += blockDim.x) s.bins[i] = 0;
        __syncthreads();
        for (int v = threadIdx.x; v < count; v += blockDim.x) {
            uint32_t key = key_of(x[v]);
            bool has_prefix = shift == 24 || key >> (shift + 8) == found >> (shift + 8);
            if (key >= lowest && has_prefix) atomicAdd(&s.bins[key >> shift & 255], weight(x[v]));
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            int digit = 255;
            unsigned long long before = above;
            while (digit > 0 && static_cast<double>(before + s.bins[digit]) < target) before += s.bins[digit--];
            s.digit = digit;
            s.before = before;
        }
        __syncthreads();
        found |= static_cast<uint32_t>(s.digit) << shift;
        above = s.before;
        __syncthreads();
    }
    return found;
}
