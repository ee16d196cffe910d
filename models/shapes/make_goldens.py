"""Writes goldens.jsonl of a shape: what tiny-r1's NumPy reference computes in f64 from weights that the engine's synthesizer made.

    ./millrace model synthesize --config models/shapes/NAME/config.json --output DIR --seed 3
    python3 models/shapes/make_goldens.py DIR models/shapes/NAME/goldens.jsonl

The first line holds the SHA-256 of the weights, so that a test knows whether it made the same. Each other line: a prompt of random
ids, the greedy completion, the MTP layer's drafts, and all logits of the first and the last step; of an FP8 model also those of
the first step with activations rounded to e4m3.
"""
import hashlib
import json
import os
import random
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tiny-r1", "train"))
from reference import Reference

PROMPT_TOKENS = (1, 7, 90, 540)  # beyond original_max_position_embeddings, beyond one segment of attention
COMPLETION_TOKENS = 12


def main(folder, out):
    shards = sorted(n for n in os.listdir(folder) if n.endswith(".safetensors"))
    digest = hashlib.sha256(b"".join(open(os.path.join(folder, n), "rb").read() for n in shards)).hexdigest()
    ref, single, r = Reference(folder, np.float64), Reference(folder), random.Random(5)
    rounding = Reference(folder, np.float64, is_rounding=True)
    vocab, drafts_too = ref.config["vocab_size"], ref.config.get("num_nextn_predict_layers", 0) > 0
    largest = 0.0
    with open(out, "w") as f:
        f.write(json.dumps({"weights_sha256": digest}) + "\n")
        for n in PROMPT_TOKENS:
            prompt = [r.randrange(vocab) for _ in range(n)]
            ids, _, rows, margins, drafts = ref.greedy(prompt, COMPLETION_TOKENS, stop=-1, rows=COMPLETION_TOKENS, draft=drafts_too)
            rounded = rounding.forward(prompt, rounding.new_cache())[0][-1] if rounding.fp8 else []
            f.write(json.dumps({
                "prompt_ids": prompt, "completion_ids": ids, "draft_ids": drafts, "first_logits": [round(float(v), 6) for v in rows[0]],
                "last_logits": [round(float(v), 6) for v in rows[-1]], "e4m3_logits": [round(float(v), 6) for v in rounded], "smallest_margin": round(min(margins), 6)}) + "\n")
            other = single.greedy(prompt, COMPLETION_TOKENS, stop=-1, rows=COMPLETION_TOKENS, draft=False)
            assert other[0] == ids, "f32 and f64 differ: draw other weights"
            largest = max(largest, max(float(np.abs(a - b).max()) for a, b in zip(other[2], rows)))
            if rounding.fp8:
                print("rounding moves a logit by", float(np.sqrt(np.mean((rounded - rows[0]) ** 2))), "rms")
            print(n, "tokens: smallest margin", min(margins), "logits up to", float(np.abs(rows[0]).max()))
    print("closest choice of a router", ref.closest_choice, "largest difference of f32", largest)


if __name__ == "__main__":
    main(*sys.argv[1:])
