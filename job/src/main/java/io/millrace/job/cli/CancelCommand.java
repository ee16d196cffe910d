package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.job.JobOptions;
import io.millrace.job.ServiceOptions;
import io.millrace.job.TopicWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Ids to the control topic. */
@Command(
        name = "cancel",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Cancels requests: those of these ids that are decoding or waiting, or whose prompts are still unread.",
            "Each ends with a completion that has the text so far and finish_reason \"cancelled\"."
        })
final class CancelCommand extends TopicCommand {
    private static final int MAX_RECORD_BYTES = 1 << 20;

    @Parameters(arity = "1..*", paramLabel = "ID", description = "Ids of requests.")
    private List<String> ids = List.of();

    @Override
    int call(JobOptions options) {
        String topic = options.get(ServiceOptions.CONTROL_TOPIC);
        try (TopicWriter to = TopicWriter.open(options.kafkaProperties(), topic, MAX_RECORD_BYTES)) {
            for (String id : ids) {
                to.send(id.getBytes(UTF_8), "{\"cancel\":true}".getBytes(UTF_8), List.of());
            }
            to.flush();
        }
        if (terminal.isJson()) {
            terminal.result(new ObjectMapper()
                    .createObjectNode()
                    .put("cancelled", ids.size())
                    .put("topic", topic)
                    .toString());
        } else {
            terminal.say("published " + ids.size() + " cancels to " + topic);
        }
        return Main.DONE;
    }
}
