package io.millrace.job;

import static io.millrace.job.JobOption.Group.ENGINE;
import static io.millrace.job.JobOption.Group.FLINK;
import static io.millrace.job.JobOption.Group.KAFKA;
import static io.millrace.job.JobOption.Group.REQUESTS;
import static io.millrace.job.JobOption.Group.SAMPLING;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineConfig;
import io.millrace.engine.RejectedException;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.operators.BatchSettings;
import io.millrace.operators.PortRange;
import io.millrace.operators.ServingSettings;
import io.millrace.schemas.ContentType;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * Every option of the job, and their effective values: command line over {@code --config FILE.yaml} over defaults. Immutable.
 *
 * <p>Nothing else reads configuration, and nothing reads the environment. Secrets live in the file that {@code kafka-config} names;
 * its contents are never printed or logged.
 */
public final class JobOptions {
    private static final List<JobOption<?>> LIST = new ArrayList<>();

    public static final JobOption<String> BOOTSTRAP_SERVERS = add(JobOption.text(
            "bootstrap-servers", KAFKA, "localhost:9092", "host:port,…", "Kafka brokers to begin with."));
    public static final JobOption<String> PROMPTS_TOPIC =
            add(JobOption.text("prompts-topic", KAFKA, "llm.prompts", "topic", "Topic that prompts are read from."));
    public static final JobOption<String> COMPLETIONS_TOPIC = add(
            JobOption.text("completions-topic", KAFKA, "llm.completions", "topic", "Topic that completions go to."));
    public static final JobOption<String> DLQ_TOPIC = add(JobOption.text(
            "dlq-topic",
            KAFKA,
            "llm.prompts.dlq",
            "topic",
            "Topic of the dead letters: prompts that can't be answered."));
    public static final JobOption<String> GROUP_ID = add(
            JobOption.text("group-id", KAFKA, "millrace", "name", "Consumer group whose offsets show the progress."));
    public static final JobOption<String> STARTING_OFFSETS = add(JobOption.choice(
            "starting-offsets",
            KAFKA,
            "Where a job without a checkpoint begins; committed = the group's, else the earliest.",
            "committed",
            "earliest",
            "latest"));
    public static final JobOption<Boolean> BOUNDED =
            add(JobOption.flag("bounded", KAFKA, "End when the prompts that are there at the start are answered."));
    public static final JobOption<String> TRANSACTIONAL_ID_PREFIX = add(JobOption.text(
            "transactional-id-prefix",
            KAFKA,
            "millrace",
            "name",
            "Prefix of transactional ids; one per job and cluster."));
    public static final JobOption<Duration> TRANSACTION_TIMEOUT = add(JobOption.duration(
            "transaction-timeout",
            KAFKA,
            "15 min",
            Duration.ofSeconds(10),
            "Longest outage between a checkpoint and its commit; the broker's transaction.max.timeout.ms bounds it."));
    public static final JobOption<String> KAFKA_CONFIG = add(JobOption.text(
            "kafka-config",
            KAFKA,
            "",
            "FILE.properties",
            "Further properties of all Kafka clients (SASL, TLS); never logged."));

    public static final JobOption<Duration> CHECKPOINT_INTERVAL = add(JobOption.duration(
            "checkpoint-interval",
            FLINK,
            "10 s",
            Duration.ofMillis(50),
            "How often progress is saved and answers become visible to read_committed readers."));
    public static final JobOption<String> CHECKPOINT_DIR = add(JobOption.text(
            "checkpoint-dir", FLINK, "", "URI or folder", "Where checkpoints go; empty = Flink's setting."));
    public static final JobOption<Integer> PARALLELISM = add(JobOption.integer(
            "parallelism",
            FLINK,
            "0",
            "subtasks",
            0,
            32767,
            "Subtasks; those of one task manager share its engine. 0 = Flink's."));

    public static final JobOption<String> METRICS_PORT = add(JobOption.text(
            "metrics-port",
            FLINK,
            "",
            "PORT or FIRST-LAST",
            "Each task manager serves /metrics to Prometheus on the first free port; empty = none does."));

    public static final JobOption<String> MODEL =
            add(JobOption.text("model", ENGINE, "", "DIR", "Model folder as published, on every task manager."));
    public static final JobOption<String> BACKEND =
            add(JobOption.choice("backend", ENGINE, "What computes.", "cpu", "cuda"));
    public static final JobOption<Integer> THREADS = add(JobOption.integer(
            "threads", ENGINE, "0", "threads", 0, 4096, "Worker threads of the cpu back end; 0 = all cores."));
    public static final JobOption<Integer> MAX_NUM_SEQS = add(JobOption.integer(
                    "max-num-seqs",
                    ENGINE,
                    "64",
                    "sequences",
                    1,
                    65536,
                    "Sequences that run together at most, per engine.")
            .withAlias("concurrency"));
    public static final JobOption<Integer> MAX_NUM_BATCHED_TOKENS = add(
            JobOption.integer(
                    "max-num-batched-tokens",
                    ENGINE,
                    "0",
                    "tokens",
                    0,
                    1 << 20,
                    "Tokens of one step: decode rows first, the rest for prefill; 0 = 512, or max-num-seqs × (2 + draft-tokens)."));
    public static final JobOption<Integer> MAX_MODEL_LEN = add(JobOption.integer(
            "max-model-len",
            ENGINE,
            "0",
            "tokens",
            0,
            1 << 24,
            "Prompt and completion together at most; 0 = what the model allows."));
    public static final JobOption<Long> KV_CACHE_BYTES = add(JobOption.bytes(
            "kv-cache-bytes",
            ENGINE,
            "0",
            0,
            Long.MAX_VALUE,
            "Size of each device's KV pool; 0 = chosen from the other options."));
    public static final JobOption<Boolean> PREFIX_CACHE = add(JobOption.onOff(
            "prefix-cache",
            ENGINE,
            "Prompts that begin with the same tokens share what was computed for them; same answers."));
    public static final JobOption<Integer> DRAFT_TOKENS = add(JobOption.integer(
            "draft-tokens",
            ENGINE,
            "0",
            "tokens",
            0,
            EngineConfig.MAX_DRAFT_TOKENS,
            "Tokens that the model's MTP layer proposes per sequence and step; same answers. 0 = none."));

    public static final JobOption<Integer> MAX_IN_FLIGHT_REQUESTS = add(JobOption.integer(
            "max-in-flight-requests",
            REQUESTS,
            "0",
            "requests",
            0,
            1 << 20,
            "Requests that a subtask holds at most, waiting ones included; 0 = 4 × max-num-seqs."));
    public static final JobOption<Long> MAX_IN_FLIGHT_BYTES = add(JobOption.bytes(
            "max-in-flight-bytes",
            REQUESTS,
            "64 MiB",
            1,
            1L << 40,
            "Bytes of the requests that a subtask holds at most."));
    public static final JobOption<Long> MAX_REQUEST_BYTES = add(JobOption.bytes(
            "max-request-bytes",
            REQUESTS,
            "1 MiB",
            1,
            1 << 30,
            "Size of one request at most; larger ones are dead letters."));
    public static final JobOption<Long> MAX_COMPLETION_BYTES = add(JobOption.bytes(
            "max-completion-bytes",
            REQUESTS,
            "1000000",
            1024,
            1 << 30,
            "Size of one completion, and of one dead letter, at most; the topics' max.message.bytes must allow it."));
    public static final JobOption<String> CONTENT_TYPE = add(JobOption.choice(
            "content-type", REQUESTS, "Format of records without a content-type header.", "json", "avro"));
    public static final JobOption<Boolean> STRICT =
            add(JobOption.flag("strict", REQUESTS, "Unknown fields of a request are errors."));
    public static final JobOption<String> ON_MODEL_CHANGE = add(JobOption.choice(
            "on-model-change",
            REQUESTS,
            "After a restore with another model: refuse to start, or restart each unfinished request from its prompt.",
            "refuse",
            "restart"));

    public static final JobOption<Double> TEMPERATURE =
            add(JobOption.number("temperature", SAMPLING, "0 … 100", "Sampling temperature; 0 = greedy."));
    public static final JobOption<Integer> MAX_TOKENS = add(JobOption.integer(
            "max-tokens",
            SAMPLING,
            "",
            "tokens",
            1,
            Integer.MAX_VALUE,
            "Tokens of one completion at most, reasoning included."));
    public static final JobOption<Integer> MIN_TOKENS = add(JobOption.integer(
            "min-tokens", SAMPLING, "", "tokens", 0, Integer.MAX_VALUE, "Tokens of one completion at least."));
    public static final JobOption<Double> TOP_P = add(JobOption.number(
            "top-p", SAMPLING, "(0, 1]", "Nucleus sampling: smallest set of tokens with this probability."));
    public static final JobOption<Integer> TOP_K = add(JobOption.integer(
            "top-k",
            SAMPLING,
            "",
            "tokens",
            -1,
            Integer.MAX_VALUE,
            "Sample among this many likeliest tokens; 0 or −1 = all."));
    public static final JobOption<Double> MIN_P =
            add(JobOption.number("min-p", SAMPLING, "[0, 1]", "Least probability, relative to the likeliest token's."));
    public static final JobOption<Double> PRESENCE_PENALTY = add(
            JobOption.number("presence-penalty", SAMPLING, "−2 … 2", "Lowers tokens that occurred in the completion."));
    public static final JobOption<Double> FREQUENCY_PENALTY = add(JobOption.number(
            "frequency-penalty", SAMPLING, "−2 … 2", "Lowers tokens by their count in the completion."));
    public static final JobOption<Double> REPETITION_PENALTY = add(JobOption.number(
            "repetition-penalty",
            SAMPLING,
            "above 0, 1 = off",
            "Divides the logits of tokens that occurred anywhere."));
    public static final JobOption<Long> SEED = add(JobOption.integer64(
            "seed", SAMPLING, "", "number", "Seed of every request; not set = from each request's id."));
    public static final JobOption<Integer> N =
            add(JobOption.integer("n", SAMPLING, "", "samples", 1, 128, "Samples per request."));

    static {
        LIST.addAll(ServiceOptions.LIST);
        LIST.addAll(RecoveryOptions.LIST);
        LIST.addAll(ParallelOptions.LIST);
    }

    /** Every option, in the order of help texts. */
    public static final List<JobOption<?>> ALL = List.copyOf(LIST);

    /** An effective value as written, and where. */
    public record Value(String text, String origin) {}

    private final Map<String, Value> values;

    private JobOptions(Map<String, Value> values) {
        this.values = values;
    }

    private static <T> JobOption<T> add(JobOption<T> option) {
        LIST.add(option);
        return option;
    }

    /**
     * Merges the sources and checks every value.
     *
     * @param defaults values that replace the list's own defaults (a command's), by name
     * @param configFile YAML file of {@code name: value} lines, or null
     * @param commandLine given options by name
     * @throws ConfigException on an unknown name, a wrong value, an unreadable file
     */
    public static JobOptions of(
            Map<String, String> defaults, @Nullable Path configFile, Map<String, String> commandLine) {
        Map<String, Value> values = new LinkedHashMap<>();
        for (JobOption<?> o : ALL) {
            values.put(o.name(), new Value(o.defaultText(), "default"));
        }
        put(values, defaults, "default");
        if (configFile != null) {
            put(values, readYaml(configFile), configFile.toString());
        }
        put(values, commandLine, "command line");
        for (JobOption<?> o : ALL) {
            Value v = Objects.requireNonNull(values.get(o.name()));
            if (!v.text.isEmpty()) {
                o.parse(v.text, v.origin);
            }
        }
        JobOptions options = new JobOptions(values);
        options.checkSampling();
        return options;
    }

    /**
     * Reads a command line of {@code --name VALUE}, {@code --name=VALUE}, and {@code --flag}.
     *
     * @throws ConfigException naming what is unknown or wrong
     */
    public static JobOptions parse(String... args) {
        Map<String, String> given = new LinkedHashMap<>();
        Path configFile = null;
        for (int i = 0; i < args.length; i++) {
            if (!args[i].startsWith("--")) {
                throw new ConfigException("\"" + args[i] + "\" is no option: options look like --name VALUE");
            }
            int equals = args[i].indexOf('=');
            String name = args[i].substring(2, equals < 0 ? args[i].length() : equals);
            boolean isFlag = !name.equals("config")
                    && "true or false".equals(byName(name).unit());
            String value;
            if (equals >= 0) {
                value = args[i].substring(equals + 1);
            } else if (isFlag && (i + 1 == args.length || args[i + 1].startsWith("--"))) {
                value = "true";
            } else if (i + 1 < args.length) {
                value = args[++i];
            } else {
                throw new ConfigException("--" + name + " needs a value");
            }
            if (name.equals("config")) {
                configFile = Path.of(value);
            } else {
                given.put(byName(name).name(), value);
            }
        }
        return of(Map.of(), configFile, given);
    }

    /** Returns the option of that name or alias. */
    static JobOption<?> byName(String name) {
        for (JobOption<?> o : ALL) {
            if (o.name().equals(name) || name.equals(o.alias())) {
                return o;
            }
        }
        throw new ConfigException(
                "there is no option --" + name + ": README.md and ./millrace generate --help list them");
    }

    private static void put(Map<String, Value> values, Map<String, String> texts, String origin) {
        texts.forEach((name, text) -> values.put(byName(name).name(), new Value(text, origin)));
    }

    private static Map<String, String> readYaml(Path file) {
        JsonNode root;
        try {
            root = new ObjectMapper(new YAMLFactory()).readTree(Files.readAllBytes(file));
        } catch (IOException e) {
            String reason = e.getMessage() == null ? e.toString() : e.getMessage();
            throw new ConfigException("can't read --config " + file + ": " + firstLine(reason), e);
        }
        Map<String, String> texts = new LinkedHashMap<>();
        if (!root.isObject()) {
            throw new ConfigException(file + " must hold lines of the form \"name: value\"");
        }
        root.fields().forEachRemaining(e -> {
            if (e.getValue().isContainerNode()) {
                throw new ConfigException(e.getKey() + " in " + file + " must be one value, not a list or a map");
            }
            texts.put(e.getKey(), e.getValue().asText());
        });
        return texts;
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse(text);
    }

    /** Returns the value of an option that has a default. */
    public <T> T get(JobOption<T> option) {
        T value = find(option);
        if (value == null) {
            throw new ConfigException("--" + option.name() + " is missing: give it as " + option.unit());
        }
        return value;
    }

    /** Returns the value of an option, or null if it isn't set. */
    public <T> @Nullable T find(JobOption<T> option) {
        Value v = Objects.requireNonNull(values.get(option.name()));
        return v.text.isEmpty() ? null : option.parse(v.text, v.origin);
    }

    /** Returns the effective values by option name, in the list's order. */
    public Map<String, Value> values() {
        return Collections.unmodifiableMap(values);
    }

    /** Returns the effective values as a configuration file, each with its origin in a comment. */
    public String toYaml() {
        StringBuilder sb = new StringBuilder();
        values.forEach((name, v) -> sb.append(v.text.isEmpty() ? "# " + name + ": not set" : name + ": " + v.text)
                .append(" ".repeat(Math.max(1, 48 - name.length() - v.text.length())))
                .append("# ")
                .append(v.origin)
                .append('\n'));
        return sb.toString();
    }

    /** Returns the properties that all Kafka clients share: the brokers and the {@code kafka-config} file. */
    public Properties kafkaProperties() {
        Properties p = new Properties();
        String file = find(KAFKA_CONFIG);
        if (file != null) {
            try (Reader in = Files.newBufferedReader(Path.of(file))) {
                p.load(in);
            } catch (IOException | IllegalArgumentException e) {
                throw new ConfigException("can't read --kafka-config " + file + ": " + e, e);
            }
        }
        p.setProperty("bootstrap.servers", get(BOOTSTRAP_SERVERS));
        return p;
    }

    /** Returns these options with one of them not set. */
    JobOptions without(JobOption<String> option) {
        Map<String, Value> rest = new LinkedHashMap<>(values);
        rest.put(option.name(), new Value("", "start-up check"));
        return new JobOptions(rest);
    }

    /** Returns the operator's part, without partials and cancels. */
    public BatchSettings batchSettings() {
        return batchSettings(ServiceOptions.ofFiles(this));
    }

    /** Returns the operator's part. */
    BatchSettings batchSettings(ServingSettings serving) {
        int maxNumSeqs = get(MAX_NUM_SEQS);
        int maxInFlight = get(MAX_IN_FLIGHT_REQUESTS);
        String ports = find(METRICS_PORT);
        return new BatchSettings(
                get(MODEL),
                get(BACKEND),
                get(THREADS),
                maxNumSeqs,
                get(MAX_NUM_BATCHED_TOKENS),
                get(MAX_MODEL_LEN),
                get(KV_CACHE_BYTES),
                get(PREFIX_CACHE),
                get(DRAFT_TOKENS),
                ParallelOptions.of(this),
                samplingJson(),
                maxInFlight == 0 ? 4 * maxNumSeqs : maxInFlight,
                get(MAX_IN_FLIGHT_BYTES),
                get(MAX_REQUEST_BYTES).intValue(),
                get(MAX_COMPLETION_BYTES).intValue(),
                ContentType.valueOf(get(CONTENT_TYPE).toUpperCase(Locale.ROOT)),
                get(STRICT),
                ports == null ? null : PortRange.parse(ports),
                get(ON_MODEL_CHANGE).equals("restart"),
                serving);
    }

    /** The sampling defaults as a JSON object in wire names, empty if none is set. */
    private String samplingJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        for (JobOption<?> o : ALL) {
            Object value = o.group() == SAMPLING ? find(o) : null;
            if (value != null) {
                json.putPOJO(o.name().replace('-', '_'), value);
            }
        }
        return json.isEmpty() ? "" : json.toString();
    }

    /** Checks the sampling defaults by the rules for requests. */
    private void checkSampling() {
        SamplingOptions sampling = new SamplingOptions(
                find(MAX_TOKENS),
                find(MIN_TOKENS),
                find(TEMPERATURE),
                find(TOP_P),
                find(TOP_K),
                find(MIN_P),
                find(PRESENCE_PENALTY),
                find(FREQUENCY_PENALTY),
                find(REPETITION_PENALTY),
                find(SEED),
                find(N),
                null,
                null,
                null,
                null,
                null);
        try {
            SamplingParams.resolve(sampling, 0);
        } catch (RejectedException e) {
            throw new ConfigException("sampling default " + e.getMessage(), e);
        }
    }
}
