// What the kernels between ranks share.
#pragma once
#include "rows.cuh"

/** Devices of one host that reach each other's memory. */
constexpr int kMaxRanks = 8;
