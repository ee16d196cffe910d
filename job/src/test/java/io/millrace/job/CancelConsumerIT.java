package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.operators.CancelSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CancelConsumerIT {
    @TempDir
    Path folder;

    private final Queue<String> warnings = new ConcurrentLinkedQueue<>();
    private final AbstractAppender appender = new AbstractAppender("cancels", null, null, false, Property.EMPTY_ARRAY) {
        @Override
        public void append(LogEvent event) {
            warnings.add(event.getMessage().getFormattedMessage());
        }
    };

    @Test
    void aTopicThatComesLaterIsReadFromThenOnAfterOneWarning() throws InterruptedException {
        appender.start();
        ((Logger) LogManager.getLogger(CancelConsumer.class)).addAppender(appender);
        Configurator.setLevel(CancelConsumer.class, Level.WARN);
        Queue<String> cancelled = new ConcurrentLinkedQueue<>();
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"))) {
            Properties client = new Properties();
            client.setProperty("bootstrap.servers", broker.bootstrapServers());
            CancelSource.Subscription cancels = new KafkaCancels(client, "later").subscribe(cancelled::add);
            try {
                await(() -> !warnings.isEmpty());
                assertThat(cancels.isCancelled("a", 0)).isFalse();
                broker.createTopics(1, "later");
                try (TopicWriter to = TopicWriter.open(client, "later", 1 << 20)) {
                    to.send("a".getBytes(UTF_8), "{\"cancel\":true}".getBytes(UTF_8), List.of());
                    to.flush();
                }
                await(() -> !cancelled.isEmpty());
                assertThat(cancelled).containsExactly("a");
                assertThat(cancels.isCancelled("a", 0)).isTrue();
                assertThat(cancels.isCancelled("b", 0)).isFalse();
            } finally {
                cancels.close();
            }
        } finally {
            ((Logger) LogManager.getLogger(CancelConsumer.class)).removeAppender(appender);
        }
        assertThat(warnings)
                .containsExactly(
                        "cancels can't be read from topic later, trying again every 10 s: there is no such topic");
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(50);
        }
    }
}
