package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;

class ContinuousBatchOperatorFactoryTest {
    private static final BatchSettings SETTINGS = TestRecords.settings(16, 1 << 20);

    @Test
    void travelsWithTheJobGraph() throws Exception {
        InstantiationUtil.clone(new ContinuousBatchOperatorFactory(SETTINGS, EngineSource.JVM));
    }

    @Test
    void isOneTaskWithItsSourceAndSinksWithoutGenericTypes() {
        Configuration config = new Configuration();
        config.set(PipelineOptions.GENERIC_TYPES, false);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(config);
        env.setParallelism(3);
        MapFunction<Long, WireRecord> toPrompt = number -> TestRecords.prompt("q-" + number, number, "");
        SingleOutputStreamOperator<WireRecord> completions = ContinuousBatchOperatorFactory.attach(
                env.fromSource(new NumberSequenceSource(0, 9), WatermarkStrategy.noWatermarks(), "numbers")
                        .map(toPrompt)
                        .returns(WireRecord.class),
                SETTINGS);
        completions.sinkTo(new DiscardingSink<>());
        completions.getSideOutput(DeadLetters.TAG).sinkTo(new DiscardingSink<>());
        JobGraph graph = env.getStreamGraph().getJobGraph();
        assertThat(graph.getVerticesAsArray()).hasSize(1);
        assertThat(graph.getVerticesAsArray()[0].getName()).contains("numbers", "ContinuousBatch");
    }
}
