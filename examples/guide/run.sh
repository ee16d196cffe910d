#!/usr/bin/env bash
# Runs every block marked sh of docs/getting-started.md in order, in a fresh clone of this checkout; stops at the first command that fails.
#   examples/guide/run.sh [--here | --list]     --here: in this checkout instead of a clone; --list: only print what would run
set -euo pipefail
home="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
mode="${1:-}"

# A block becomes one script with the others, so that its variables live on; each line is announced by its place in the guide.
blocks() { # GUIDE
    awk '
        /^```sh$/ { inside = 1; n++; printf "echo \"=== block %d, docs/getting-started.md:%d\"\n", n, NR; next }
        /^```$/   { inside = 0; next }
        inside    { print }
        END       { if (n == 0) exit 1 }
    ' "$1"
}

case "$mode" in
    --list)
        blocks "$home/docs/getting-started.md"
        exit
        ;;
    --here)
        folder="$home"
        if [ -e "$folder/millrace-work/local" ]; then # its job would come back beside the guide's
            echo "there is a cluster in $folder/millrace-work/local already: end it (./millrace local down) and delete the folder" >&2
            exit 1
        fi
        ;;
    "")
        folder="$(mktemp -d)/millrace"
        git clone -q "$home" "$folder"
        echo "clone of $(git -C "$home" rev-parse --short HEAD) in $folder"
        ;;
    *)
        echo "usage: examples/guide/run.sh [--here | --list]" >&2
        exit 2
        ;;
esac

script=""
finish() {
    code=$?
    if [ -f "$folder/millrace-work/local/cluster.properties" ]; then
        "$folder/millrace" local down >/dev/null || true # after a failure: no process stays behind
    fi
    rm -f "$script"
    if [ "$mode" = "" ]; then rm -rf "$(dirname "$folder")"; fi
    if [ $code = 0 ]; then echo "=== the guide passed"; else echo "=== the guide failed with $code" >&2; fi
    exit $code
}
trap finish EXIT
script="$(mktemp)"

cd "$folder"
blocks docs/getting-started.md >"$script"
bash -euo pipefail "$script" # a file, not stdin: commands would read that
