package io.millrace.engine;

import java.util.SplittableRandom;

/**
 * Runs made-up requests before an engine says that it is ready, until its steps are as fast as they get: the JVM compiles code
 * only once it has run often, and the first seconds are up to a thousand times slower. One layer of each kind is enough for that,
 * and takes a fraction of a whole model's time. Thread: the loading one.
 */
final class WarmUp {
    private static final long MAX_NANOS = 10_000_000_000L;
    /** With rounds as long as this takes, one steady round shows as much as several short ones do. */
    private static final long LONG_NANOS = 1_500_000_000L;

    private static final int MIN_ROUNDS = 3;
    /** Rounds in a row that must not be much faster than the best before. */
    private static final int STEADY_ROUNDS = 2;

    private static final double STEADY = 0.85;
    private static final int PROMPT_TOKENS = 16;
    private static final int OUTPUT_TOKENS = 12;
    private static final int MAX_SEQS = 12;
    /** Sequences of the last round, through all layers: what is still compiled, cached or mapped on first use is so then. */
    private static final int WHOLE_SEQS = 2;

    private static final int WHOLE_PROMPT_TOKENS = 48;

    private WarmUp() {}

    /** Warms up what {@code parts} consist of; their scheduler, pool and counters stay untouched. */
    static void run(EngineParts parts) {
        parts.ranks().awaitReady();
        long end = System.nanoTime() + MAX_NANOS;
        Engine engine = new Engine(twin(parts).shallow());
        double best = Double.MAX_VALUE;
        int steady = 0;
        for (int round = 0; steady < needed(end) && System.nanoTime() < end; round++) {
            long start = System.nanoTime();
            submit(engine, parts.model(), MAX_SEQS, PROMPT_TOKENS, round);
            while (engine.step() && System.nanoTime() < end) {}
            double nanos = System.nanoTime() - start;
            boolean isEarly = round < MIN_ROUNDS && needed(end) > 1;
            steady = !isEarly && nanos > STEADY * best ? steady + 1 : 0;
            best = Math.min(best, nanos);
        }
        Engine whole = new Engine(twin(parts));
        submit(whole, parts.model(), WHOLE_SEQS, WHOLE_PROMPT_TOKENS, 0);
        while (whole.step() && System.nanoTime() < end) {}
    }

    /** Returns how many steady rounds in a row are enough by now. */
    private static int needed(long end) {
        return end - System.nanoTime() > MAX_NANOS - LONG_NANOS ? STEADY_ROUNDS : 1;
    }

    private static EngineParts twin(EngineParts parts) {
        return parts.withScheduler(parts.scheduler().emptyTwin(new EngineMetrics()));
    }

    /** One, then a few, then many sequences, greedy and sampled: every size of tile, both kinds of draw. */
    private static void submit(Engine engine, ServedModel model, int numSeqs, int maxPromptTokens, int round) {
        SplittableRandom random = new SplittableRandom(round);
        int promptTokens = Math.min(maxPromptTokens, model.maxModelLen() / 2);
        int outputTokens = Math.min(OUTPUT_TOKENS, model.maxModelLen() - promptTokens);
        for (int i = 0; promptTokens > 0 && i < numSeqs; i++) {
            int[] prompt =
                    random.ints(promptTokens, 0, model.tokenizer().numTokens()).toArray();
            double temperature = i % 2 == 0 ? 0 : 0.6;
            SamplingOptions options = new SamplingOptions(
                    outputTokens - i * outputTokens / (2 * MAX_SEQS), // they end one after the other
                    null,
                    temperature,
                    0.95,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    true,
                    null,
                    null);
            engine.submit(
                    new EngineRequest(
                            "warm-up", new PromptInput.Tokens(prompt), SamplingParams.resolve(options, i), 0, null),
                    SILENT);
        }
    }

    private static final EngineListener SILENT = new EngineListener() {
        @Override
        public void onEvent(EngineEvent event) {}

        @Override
        public void onEngineFailure(RuntimeException cause) {}
    };
}
