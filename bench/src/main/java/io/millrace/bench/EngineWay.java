package io.millrace.bench;

import io.millrace.engine.EngineEvent;
import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineListener;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.PromptInput;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;

/** The bare engine: what the others are compared with. */
final class EngineWay implements ServingWay {
    private final EngineHost.Lease engine;

    EngineWay(EngineHost.Lease engine) {
        this.engine = engine;
    }

    @Override
    public void serve(RunClock clock) {
        SamplingParams params = params(clock.workload().outputTokens());
        clock.start();
        for (int i = 0; i < clock.workload().numPrompts(); i++) {
            EngineRequest request =
                    new EngineRequest(clock.id(i), new PromptInput.Tokens(clock.prompt(i)), params, 0, null);
            clock.handedOver(i);
            clock.submit(engine, request, visibleWhenFinished(clock, i));
        }
        clock.awaitVisible(() -> {});
    }

    private static SamplingParams params(int outputTokens) {
        SamplingOptions none = SamplingOptions.NONE;
        SamplingOptions greedy = new SamplingOptions(
                outputTokens, null, 0.0, null, null, null, null, null, null, 0L, null, null, null, true, null, null);
        return SamplingParams.resolve(greedy.orElse(none), 0);
    }

    private static EngineListener visibleWhenFinished(RunClock clock, int index) {
        return new EngineListener() {
            @Override
            public void onEvent(EngineEvent event) {
                if (event instanceof EngineEvent.Finished) {
                    clock.visible(index);
                }
            }

            @Override
            public void onEngineFailure(RuntimeException cause) {
                clock.fail(cause); // told to the run, too, by the clock's own listener
            }
        };
    }
}
