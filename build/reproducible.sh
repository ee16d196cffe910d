#!/usr/bin/env bash
# Builds the committed state twice, in two folders, and compares what is shipped byte by byte: both artefacts, the SBOM, and their checksums.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

commit="$(git rev-parse HEAD)"

build() { # FOLDER
    mkdir -p "$1"
    git archive "$commit" | tar -x -C "$1"
    mvn -q -B -f "$1/pom.xml" -Prelease -Dmaven.test.skip=true -Dspotless.check.skip=true -Dcheckstyle.skip=true -pl job -am package
    (
        cd "$1/job/target/dist"
        sha256sum --quiet -c SHA256SUMS
        find . -type f | LC_ALL=C sort | xargs sha256sum
    )
}

build "$work/first" >"$work/first.sums"
build "$work/second, elsewhere" >"$work/second.sums"
if ! diff "$work/first.sums" "$work/second.sums"; then
    echo "the two builds differ, see above" >&2
    exit 1
fi
cat "$work/first.sums"
