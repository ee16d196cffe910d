#!/bin/sh
# TEST ONLY. Compiles the kernels for the host, behind a libcuda.so.1 whose device is called "EMULATED, not a GPU".
# Usage: build-emulated-driver.sh FOLDER. Exit code 3, and a line that says why, where that can't be done.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$here/../../main/cuda
folder=${1:?name a folder for libcuda.so.1}
[ "$(uname -s) $(uname -m)" = "Linux x86_64" ] || { echo "the emulated driver is for x86-64 Linux"; exit 3; }
command -v g++ > /dev/null || { echo "no g++ on the PATH: install it to run the cuda kernels on the host"; exit 3; }
flags="-std=c++17 -O2 -march=x86-64-v2 -fPIC -shared -ffp-contract=off -Wall -Werror -Wno-unknown-pragmas"
mkdir -p "$folder"
stamp=$( (echo "$flags"; g++ --version; cat "$here"/driver/* "$here"/shim/* "$sources"/*) | cksum)
if [ -f "$folder/libcuda.so.1" ] && [ "$(cat "$folder/stamp" 2> /dev/null)" = "$stamp" ]; then
    exit 0
fi
# shellcheck disable=SC2086
g++ $flags -Wl,-soname,libcuda.so.1 -I "$here/shim" -include emulator.h -x c++ "$here"/driver/*.cpp "$sources"/*.cu -o "$folder/libcuda.so.1"
echo "$stamp" > "$folder/stamp"
