#!/bin/sh
# The tests of run-kernel-tests.sh on a Hopper GPU. Usage: run-kernel-tests-on-device.sh build DIRECTORY (needs nvcc 13, no GPU)
#                                                          run-kernel-tests-on-device.sh run DIRECTORY   (needs a GPU and its driver)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$here/../../main/cuda
verb=${1:?build or run}
build=${2:?name a directory for the programs}
mkdir -p "$build"
for test in gemm_test mla_attention_test; do
    if [ "$verb" = build ]; then
        kernels="$sources/mla_attention.cu $sources/mla_attention_plan.cu"
        [ $test = mla_attention_test ] || kernels="$sources/gemm.cu $sources/grouped_gemm.cu $sources/dense_gemm.cu $sources/head_gemm.cu"
        nvcc -std=c++17 -O3 -gencode arch=compute_90a,code=sm_90a -cudart static -I "$sources" -o "$build/$test" -x cu "$here/$test.cpp" $kernels
    else
        "$build/$test"
    fi
done
