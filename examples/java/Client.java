import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Publishes prompts to Millrace and reads the completions, each matched by its key.
 *
 * <pre>java -cp 'job/target/lib/*' examples/java/Client.java localhost:9092 10</pre>
 */
public final class Client {
    private static final Duration TIMEOUT = Duration.ofMinutes(5);

    private Client() {}

    public static void main(String[] args) {
        String brokers = args.length > 0 ? args[0] : "localhost:9092";
        int count = args.length > 1 ? Integer.parseInt(args[1]) : 10;
        String run = UUID.randomUUID().toString();
        publish(brokers, run, count);
        Map<String, String> answers = read(brokers, run, count);
        answers.values().stream().limit(1).forEach(System.out::println);
        System.out.println(answers.size() + " of " + count + " answered");
        System.exit(answers.size() == count ? 0 : 1);
    }

    private static void publish(String brokers, String run, int count) {
        Map<String, Object> settings = Map.of("bootstrap.servers", brokers, "linger.ms", 5);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < count; i++) {
                String question = "What is " + (10 + i % 90) + " + " + (100 + 7 * i % 900) + "?";
                String prompt = "{\"messages\": [{\"role\": \"user\", \"content\": \"" + question + "\"}], \"temperature\": 0}";
                producer.send(new ProducerRecord<>("llm.prompts", run + "-" + i, prompt));
            }
        }
    }

    private static Map<String, String> read(String brokers, String run, int count) {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", brokers,
                "group.id", "example-" + run,
                "auto.offset.reset", "earliest",
                "isolation.level", "read_committed"); // else completions of an aborted transaction may show up twice
        Map<String, String> answers = new HashMap<>();
        Instant deadline = Instant.now().plus(TIMEOUT);
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("llm.completions"));
            while (answers.size() < count && Instant.now().isBefore(deadline)) {
                for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(500))) {
                    if (r.key() != null && r.key().startsWith(run) && answers.put(r.key(), r.value()) != null) {
                        throw new IllegalStateException(r.key() + " was answered twice");
                    }
                }
            }
        }
        return answers;
    }
}
