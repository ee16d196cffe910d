package io.millrace.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** A report as one JSON object: vLLM's names, and Millrace's own. What is unknown is null. */
final class ReportJson {
    private ReportJson() {}

    static ObjectNode of(ServingReport r) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("through", r.through());
        json.put("concurrency", r.workload().concurrency());
        json.put("num_prompts", r.workload().numPrompts());
        json.put("input_len", r.workload().inputTokens());
        json.put("output_len", r.workload().outputTokens());
        json.put("seed", r.workload().seed());
        json.put("completed", r.completed());
        number(json, "duration", r.duration());
        json.put("total_input_tokens", r.totalInputTokens());
        json.put("total_output_tokens", r.totalOutputTokens());
        number(json, "request_throughput", r.requestThroughput());
        number(json, "output_throughput", r.outputThroughput());
        number(json, "total_token_throughput", r.totalTokenThroughput());
        spread(json, "ttft", r.ttft());
        spread(json, "tpot", r.tpot());
        spread(json, "itl", r.itl());
        number(json, "tpot_growth", r.growth().ratio());
        ArrayNode growth = json.putArray("tpot_by_context");
        for (ContextGrowth.Point p : r.growth().points()) {
            number(growth.addObject().put("context", p.context()), "median_tpot_ms", p.millis());
        }
        number(json, "engine_output_throughput", r.engineThroughput());
        number(json, "prefill_tokens_per_second", r.prefill().perSecond());
        number(json, "decode_tokens_per_second", r.decode().perSecond());
        number(json, "prefill_tokens_per_cpu_second", r.prefill().perCpuSecond());
        number(json, "decode_tokens_per_cpu_second", r.decode().perCpuSecond());
        number(json, "mean_added_ttft_ms", r.addedTtft().mean());
        number(json, "p99_added_ttft_ms", r.addedTtft().p99());
        json.put("min_tokens_while_all_run", r.minTokensWhileAllRun());
        json.put("max_tokens_while_all_run", r.maxTokensWhileAllRun());
        json.put("peak_running", r.engine().peakRunning());
        number(json, "peak_kv_cache_usage", r.engine().peakKvUsage());
        json.put("preemptions", r.engine().preemptions());
        number(json, "step_overhead_share", r.engine().stepOverheadShare());
        json.put("resident_bytes", r.engine().residentBytes());
        number(json, "others_cpus", r.othersCpus());
        return json;
    }

    private static void spread(ObjectNode json, String name, Spread s) {
        number(json, "mean_" + name + "_ms", s.mean());
        number(json, "median_" + name + "_ms", s.median());
        number(json, "std_" + name + "_ms", s.std());
        number(json, "p99_" + name + "_ms", s.p99());
    }

    /** JSON has no NaN. */
    static void number(ObjectNode json, String name, double value) {
        if (Double.isFinite(value)) {
            json.put(name, value);
        } else {
            json.putNull(name);
        }
    }
}
