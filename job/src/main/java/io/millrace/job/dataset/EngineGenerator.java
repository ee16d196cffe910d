package io.millrace.job.dataset;

import io.millrace.engine.EngineEvent;
import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineListener;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import java.util.function.Consumer;

/** Draws from this JVM's engine, by the model's and the command line's sampling. Any thread. */
final class EngineGenerator implements Generator {
    private final EngineHost.Lease lease;
    private final SamplingOptions defaults;

    EngineGenerator(EngineHost.Lease lease) {
        this.lease = lease;
        this.defaults = lease.model().samplingDefaults();
    }

    @Override
    public void draw(Question question, int attempt, long seed, Consumer<Outcome> then) {
        EngineRequest request = new EngineRequest(question.id(), question.input(), params(seed), 0, null);
        lease.submit(request, new EngineListener() {
            @Override
            public void onEvent(EngineEvent event) {
                if (event instanceof EngineEvent.Finished f) {
                    then.accept(new Outcome.Drawn(sample(f, attempt, seed)));
                } else if (event instanceof EngineEvent.Rejected r) {
                    then.accept(new Outcome.Refused(r.cause()));
                }
            }

            @Override
            public void onEngineFailure(RuntimeException cause) {
                then.accept(new Outcome.Broken(cause));
            }
        });
    }

    private static Sample sample(EngineEvent.Finished f, int attempt, long seed) {
        return new Sample(
                attempt,
                seed,
                f.reason().wireName(),
                f.reasoning(),
                f.content(),
                f.stats().promptTokenIds().length,
                f.tokenIds().length);
    }

    /** Returns the sampling of an attempt. */
    SamplingParams params(long seed) {
        SamplingOptions oneSample = new SamplingOptions(
                null, null, null, null, null, null, null, null, null, seed, 1, null, null, null, null, null);
        return SamplingParams.resolve(oneSample.orElse(defaults), seed);
    }
}
