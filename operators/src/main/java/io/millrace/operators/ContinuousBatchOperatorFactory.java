package io.millrace.operators;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;

/**
 * Makes {@link ContinuousBatchOperator}s on the task managers. It always chains to what is before it: behind an exchange, aligned
 * checkpoints would hardly come through while it is full, nor at all while it drains.
 */
public final class ContinuousBatchOperatorFactory extends AbstractStreamOperatorFactory<WireRecord>
        implements OneInputStreamOperatorFactory<WireRecord, WireRecord> {
    /** The operator's stable id in savepoints. */
    public static final String UID = "continuous-batch";

    private static final long serialVersionUID = 1L;

    private final BatchSettings settings;
    private final EngineSource source;

    /** Makes one; {@code source} is {@link EngineSource#JVM} but in tests. */
    public ContinuousBatchOperatorFactory(BatchSettings settings, EngineSource source) {
        this.settings = settings;
        this.source = source;
        this.chainingStrategy = ChainingStrategy.ALWAYS;
    }

    /** Puts the operator behind a stream of prompts: completions come out, dead letters at {@link DeadLetters#TAG}. */
    public static SingleOutputStreamOperator<WireRecord> attach(
            DataStream<WireRecord> prompts, BatchSettings settings) {
        return attach(prompts, settings, EngineSource.JVM);
    }

    /** As {@link #attach(DataStream, BatchSettings)}, with an engine from elsewhere. */
    public static SingleOutputStreamOperator<WireRecord> attach(
            DataStream<WireRecord> prompts, BatchSettings settings, EngineSource source) {
        return prompts.transform(
                        "ContinuousBatch",
                        TypeInformation.of(WireRecord.class),
                        new ContinuousBatchOperatorFactory(settings, source))
                .uid(UID);
    }

    @Override
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // Flink's signature
    public <T extends StreamOperator<WireRecord>> T createStreamOperator(
            StreamOperatorParameters<WireRecord> parameters) {
        return (T) new ContinuousBatchOperator(parameters, settings, source);
    }

    @Override
    @SuppressWarnings("rawtypes") // Flink's signature
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return ContinuousBatchOperator.class;
    }
}
