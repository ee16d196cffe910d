#!/usr/bin/env bash
# Millrace's cpu back end beside llama.cpp: same shapes, threads, prompt and output lengths, taking turns. See peers/README.md.
# Needs npm (fetches the prebuilt llama.cpp), gcc, Python 3 with NumPy, Linux on x86-64, and an otherwise idle machine.
set -euo pipefail
here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)"
peer_package=@node-llama-cpp/linux-x64@3.22.1
work="${TMPDIR:-/tmp}/millrace-peers"
shapes=bench-s,bench-m
forward=()

usage() {
    cat <<END
usage: bench/peers.sh [--json] [--output FILE] [--shapes bench-s,bench-m] [--concurrency 1,4,16,32,64] [--reps 5]
                      [--threads 2] [--input-len 128] [--output-len 64] [--warmup SECONDS] [--max-others 0.1] [--work DIR]

Prints, per shape and concurrency, the medians of both and their ratio: decode, prefill, and both per CPU second.
--work DIR     scratch folder outside the checkout, kept for the next time (default: $work)
--output FILE  everything measured, with the machine it was measured on, as JSON
--max-others   repetitions in which other processes used more CPUs than this are discarded and repeated
END
}

fail() {
    echo "peers.sh: $1" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case "$1" in
        --help | -h) usage; exit ;;
        --json) forward+=(--json); shift ;;
        --work | --shapes | --output | --concurrency | --reps | --threads | --input-len | --output-len | --warmup | --max-others)
            [ $# -gt 1 ] || fail "$1 needs a value"
            case "$1" in
                --work) work="$2" ;;
                --shapes) shapes="$2" ;;
                *) forward+=("$1" "$2") ;;
            esac
            shift 2
            ;;
        *) fail "unknown option $1, see --help" ;;
    esac
done
for tool in npm gcc python3 tar; do
    command -v "$tool" >/dev/null || fail "$tool isn't installed"
done
python3 -c 'import numpy' 2>/dev/null || fail "Python has no NumPy: install it"

work="$(readlink -m "$work")"
case "$work/" in "$(cd "$here/.." && pwd)"/*) fail "--work $work is inside the checkout: give a folder outside" ;; esac
mkdir -p "$work"

find_library() { find "$work/package" -name 'libllama.*so*' 2>/dev/null | sort | head -n 1; }
if [ -z "$(find_library)" ]; then
    echo "fetching $peer_package …" >&2
    (cd "$work" && npm pack --silent "$peer_package" >/dev/null && tar -xzf node-llama-cpp-*.tgz && rm node-llama-cpp-*.tgz) ||
        fail "npm can't fetch $peer_package"
fi
library="$(find_library)"
[ -n "$library" ] || fail "$peer_package holds no libllama"
if [ ! -x "$work/peerbench" ] || [ "$here/peers/peerbench.c" -nt "$work/peerbench" ]; then
    gcc -O2 -o "$work/peerbench" "$here/peers/peerbench.c" -ldl -lm
fi
for shape in ${shapes//,/ }; do
    config="$here/peers/configs/$shape.json"
    [ -f "$config" ] || fail "no shape $shape: there are $(cd "$here/peers/configs" && ls ./*.json | sed 's|^\./||; s|\.json$||' | tr '\n' ' ')"
    if [ ! -f "$work/$shape.gguf" ] || [ "$config" -nt "$work/$shape.gguf" ]; then
        python3 "$here/peers/make_gguf.py" "$config" "$work/$shape.gguf.part" >&2
        mv "$work/$shape.gguf.part" "$work/$shape.gguf"
    fi
    if [ ! -f "$work/$shape/config.json" ] || [ "$config" -nt "$work/$shape/config.json" ]; then
        rm -rf "${work:?}/$shape"
        "$here/../millrace" model synthesize --config "$config" --output "$work/$shape" --json >/dev/null
    fi
done
"$here/../millrace" bench --help >/dev/null # builds, if need be, before anything is measured
exec python3 "$here/peers/compare.py" --millrace "$here/../millrace" --work "$work" --library "$library" \
    --shapes "$shapes" "${forward[@]}"
