#!/usr/bin/env bash
# Compiles kernels/src/main/cuda into the fatbin resource and writes its manifest. Needs nvcc 13 (no GPU). Commit both files.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../kernels"
sources=src/main/cuda
resources=src/main/resources
flags="-std=c++17 -O3 -gencode arch=compute_90a,code=sm_90a"
command -v nvcc > /dev/null || { echo "nvcc isn't on the PATH: install CUDA 13" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One translation unit: several cubins of one architecture in a fatbin would hide each other.
for file in "$sources"/*.cu; do echo "#include \"$(basename "$file")\""; done > "$work/millrace.cu"
# shellcheck disable=SC2086
nvcc $flags -I "$sources" -fatbin -Xptxas -v -o "$resources/millrace-cuda.fatbin" "$work/millrace.cu" 2> "$work/ptxas.txt" \
    || { cat "$work/ptxas.txt" >&2; exit 1; }
# shellcheck disable=SC2086
nvcc ${flags/code=sm_90a/code=compute_90a} -I "$sources" -ptx -o "$work/millrace.ptx" "$work/millrace.cu"

# name, bytes of parameters (from the PTX)
sed -n 's/.*\.param .*\.b8 \([a-z0-9_]*\)_param_0\[\([0-9]*\)\].*/\1 \2/p' "$work/millrace.ptx" | sort > "$work/params.txt"
# name, registers, bytes spilled (stores + loads)
awk '/Compiling entry function/ { gsub("\047", ""); name = $7 }
     /bytes spill stores/ { spills = $5 + $9 }
     /Used [0-9]+ registers/ { for (i = 1; i < NF; i++) if ($i == "Used") print name, $(i + 1), spills }' "$work/ptxas.txt" \
    | sort > "$work/registers.txt"
# mnemonics that must stay in, and how often they occur
grep -oE '^\s*(@!?%p[0-9]+ )?(cp\.async\.bulk|wgmma\.mma_async|mma\.sync|mbarrier\.[a-z_]+|cvt\.rn\.satfinite\.e4m3x2|cvt\.rn\.bf16|setmaxnreg)[a-z0-9_.:]*' \
    "$work/millrace.ptx" | sed -E 's/^\s*(@!?%p[0-9]+ )?//' | sort | uniq -c > "$work/census.txt" || true

{
    echo '{'
    echo "  \"nvcc\": \"$(nvcc --version | sed -n 's/.*release .*, V//p')\","
    echo "  \"flags\": \"$flags\","
    echo "  \"fatbin\": \"$(sha256sum "$resources/millrace-cuda.fatbin" | cut -d' ' -f1)\","
    echo '  "sources": {'
    (cd "$sources" && sha256sum ./*.cu ./*.cuh) | sed -E 's|([0-9a-f]+) +\./(.*)|    "\2": "\1",|' | sed '$ s/,$//'
    echo '  },'
    echo '  "kernels": {'
    join "$work/params.txt" "$work/registers.txt" \
        | awk '{ printf "    \"%s\": {\"paramBytes\": %d, \"registers\": %d, \"spilledBytes\": %d},\n", $1, $2, $3, $4 }' | sed '$ s/,$//'
    echo '  },'
    echo '  "ptx": {'
    awk '{ printf "    \"%s\": %d,\n", $2, $1 }' "$work/census.txt" | sed '$ s/,$//'
    echo '  }'
    echo '}'
} > "$resources/millrace-cuda.json"
cat "$resources/millrace-cuda.json"
