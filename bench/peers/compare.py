#!/usr/bin/env python3
"""Runs llama.cpp and Millrace in turns and compares them; bench/peers.sh calls it when everything is prepared.

A repetition is one fresh process of each engine that goes through all concurrencies, each warmed up before its clock starts: a JVM per
repetition and not one for all, because two JVMs may compile the same code differently, and that belongs into the spread. Who
begins alternates. What was measured while other processes used CPU is discarded, per concurrency, and repeated.

The peer has its best setting: flash attention and unified KV on and off are tried first, and per concurrency the fastest is measured.
"""
import argparse, datetime, json, os, platform, statistics, subprocess, sys

SETTINGS = [(0, 0), (0, 1), (1, 0), (1, 1)]  # flash attention, unified KV
FIGURES = {  # ratio: (Millrace's name of the figure, peerbench's)
    "decode_ratio": ("decode_tokens_per_second", "decode_tok_s"),
    "prefill_ratio": ("prefill_tokens_per_second", "prefill_tok_s"),
    "decode_cpu_ratio": ("decode_tokens_per_cpu_second", "decode_tok_per_cpu_s"),
    "prefill_cpu_ratio": ("prefill_tokens_per_cpu_second", "prefill_tok_per_cpu_s"),
}
TRIES = 3  # times --reps, before a busy machine is given up


def lines(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"peers.sh: {os.path.basename(command[0])} failed: {done.stderr.strip().splitlines()[-1:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def peer(a, shape, setting, concurrencies):
    return lines([os.path.join(a.work, "peerbench"), "--lib", a.library, "--model", os.path.join(a.work, shape + ".gguf"),
                  "--threads", str(a.threads), "--npp", str(a.input_len), "--ntg", str(a.output_len), "--reps", "1",
                  "--fa", str(setting[0]), "--kvu", str(setting[1]), "--npl", ",".join(map(str, concurrencies))])


def millrace(a, shape, concurrencies):
    return lines([a.millrace, "bench", "--json", "--through", "engine", "--model", os.path.join(a.work, shape),
                  "--threads", str(a.threads), "--input-len", str(a.input_len), "--output-len", str(a.output_len),
                  "--warmup", str(a.warmup), "--concurrency", ",".join(map(str, concurrencies))])


def best_settings(a, shape):
    """The setting that decodes fastest, for each concurrency."""
    best = {}
    for setting in SETTINGS:
        for row in peer(a, shape, setting, a.concurrency):
            n = row["concurrency"]
            if n not in best or row["decode_tok_s"] > best[n][0]:
                best[n] = (row["decode_tok_s"], setting)
    return {n: setting for n, (_, setting) in best.items()}


def others(row):
    value = row["others_cpus"]
    return max(value) if isinstance(value, list) else value


def measure(a, shape, raw):
    settings = best_settings(a, shape)
    kept = {n: {"millrace": [], "llama.cpp": []} for n in a.concurrency}
    discarded = dict.fromkeys(a.concurrency, 0)
    for turn in range(a.reps * TRIES):
        missing = {e: [n for n in a.concurrency if len(kept[n][e]) < a.reps] for e in ("millrace", "llama.cpp")}
        if not any(missing.values()):
            break
        for engine in ("millrace", "llama.cpp") if turn % 2 == 0 else ("llama.cpp", "millrace"):
            rows = []
            if engine == "millrace" and missing[engine]:
                rows = millrace(a, shape, missing[engine])
            elif engine == "llama.cpp":
                for setting in sorted({settings[n] for n in missing[engine]}):
                    rows += peer(a, shape, setting, [n for n in missing[engine] if settings[n] == setting])
            for row in rows:
                raw.append({"shape": shape, "engine": engine, "turn": turn, **row})
                load = others(row)
                if load is None or load > a.max_others:
                    discarded[row["concurrency"]] += 1
                else:
                    kept[row["concurrency"]][engine].append(row)
        print(f"{shape}: turn {turn + 1} done", file=sys.stderr)
    return [result(shape, n, kept[n], discarded[n]) for n in a.concurrency]


def median(rows, name):
    values = [row[name] for row in rows if row.get(name) is not None]
    return statistics.median(values) if values else None


def result(shape, n, kept, discarded):
    out = {"shape": shape, "concurrency": n}
    both = {"millrace": {}, "llama.cpp": {}}
    for ratio, (ours, theirs) in FIGURES.items():
        m, p = median(kept["millrace"], ours), median(kept["llama.cpp"], theirs)
        both["millrace"][ours], both["llama.cpp"][ours] = m, p
        out[ratio] = round(m / p, 4) if m and p else None
    if kept["llama.cpp"]:
        first = kept["llama.cpp"][0]
        both["llama.cpp"].update({k: first[k] for k in ("version", "flash_attn", "kv_unified", "ubatch")})
    for engine, rows in kept.items():
        both[engine]["repetitions"] = len(rows)
    return {**out, "discarded": discarded, **both}


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    jdk = subprocess.run([java(), "-version"], stderr=subprocess.PIPE, text=True).stderr.splitlines()
    return {"cpu": cpu, "cpus": os.cpu_count(), "kernel": platform.release(), "jdk": jdk[1] if len(jdk) > 1 else "?"}


def java():
    home = os.environ.get("JAVA_HOME")
    return os.path.join(home, "bin", "java") if home else "java"


def commit(a):
    git = subprocess.run(["git", "-C", os.path.dirname(os.path.realpath(a.millrace)), "rev-parse", "HEAD"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return git.stdout.strip() or None


def table(results):
    show = lambda v, form: "      -" if v is None else format(v, form)
    print(f"{'shape':9}{'users':>6} |{'decode tok/s':>14}{'llama.cpp':>11}{'ratio':>8} |{'prefill tok/s':>14}{'llama.cpp':>11}"
          f"{'ratio':>8} |{'decode/CPU s':>13}{'ratio':>8} |{'reps':>5}")
    for r in results:
        m, p = r["millrace"], r["llama.cpp"]
        print(f"{r['shape']:9}{r['concurrency']:>6} |{show(m['decode_tokens_per_second'], '14.1f'):>14}"
              f"{show(p['decode_tokens_per_second'], '11.1f'):>11}{show(r['decode_ratio'], '8.2f'):>8} |"
              f"{show(m['prefill_tokens_per_second'], '14.1f'):>14}{show(p['prefill_tokens_per_second'], '11.1f'):>11}"
              f"{show(r['prefill_ratio'], '8.2f'):>8} |{show(m['decode_tokens_per_cpu_second'], '13.1f'):>13}"
              f"{show(r['decode_cpu_ratio'], '8.2f'):>8} |{min(m['repetitions'], p['repetitions']):>5}")
    print("Medians. llama.cpp has Q8_0 weights (8.5 bits; activations in 8 bits), Millrace e4m3 (8 bits; activations in f32).")


def main():
    ap = argparse.ArgumentParser()
    for name in ("--millrace", "--work", "--library", "--shapes"):
        ap.add_argument(name, required=True)
    ints = lambda text: [int(n) for n in text.split(",")]
    ap.add_argument("--concurrency", type=ints, default=[1, 4, 16, 32, 64])
    ap.add_argument("--reps", type=int, default=5)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--input-len", type=int, default=128)
    ap.add_argument("--output-len", type=int, default=64)
    ap.add_argument("--warmup", type=int, default=15)
    ap.add_argument("--max-others", type=float, default=0.1)
    ap.add_argument("--json", action="store_true")
    ap.add_argument("--output")
    a = ap.parse_args()
    raw = []
    results = [r for shape in a.shapes.split(",") for r in measure(a, shape, raw)]
    if a.output:
        with open(a.output, "w") as f:
            json.dump({"date": datetime.date.today().isoformat(), "commit": commit(a), "machine": machine(),
                       "java_options": os.environ.get("MILLRACE_JAVA_OPTS", ""), "threads": a.threads, "input_len": a.input_len,
                       "output_len": a.output_len, "max_others": a.max_others, "results": results, "raw": raw}, f, indent=1)
            f.write("\n")
    if a.json:
        for r in results:
            print(json.dumps(r))
    else:
        table(results)
    unmeasured = [f"{r['shape']} at {r['concurrency']}" for r in results if r["decode_ratio"] is None]
    if unmeasured:
        sys.exit("peers.sh: other processes kept the machine busy, nothing is known of " + ", ".join(unmeasured)
                 + ": stop them, or raise --max-others")


if __name__ == "__main__":
    main()
