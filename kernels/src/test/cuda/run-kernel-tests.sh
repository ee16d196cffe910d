#!/bin/sh
# Compiles the heavy kernels for the host and checks them against plain loops. Usage: run-kernel-tests.sh BUILD-DIRECTORY
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$here/../../main/cuda
build=${1:?name a directory for the objects}
mkdir -p "$build"
flags="-std=c++17 -O2 -march=x86-64-v2 -ffp-contract=off -Wall -Werror -I$here/shim -I$sources"
g++ $flags -c -o "$build/fibers.o" "$here/driver/fibers.cpp"
objects=
for kernel in gemm grouped_gemm dense_gemm head_gemm mla_attention mla_attention_plan; do
    g++ $flags -include emulator.h -x c++ -c -o "$build/$kernel.o" "$sources/$kernel.cu"
    objects="$objects $build/$kernel.o"
done
for test in gemm_test mla_attention_test; do
    g++ $flags -c -o "$build/$test.o" "$here/$test.cpp"
    g++ -o "$build/$test" "$build/$test.o" $objects "$build/fibers.o"
done
"$build/gemm_test"
"$build/mla_attention_test"
