package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.ConfigException;
import io.millrace.job.JobOptions;
import io.millrace.job.LineReader;
import io.millrace.job.RecordId;
import io.millrace.job.TopicWriter;
import io.millrace.operators.WireRecord;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lines to a topic: bytes unchanged, key = the prompt's id. */
@Command(
        name = "publish",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Publishes prompts, one JSON object a line, to a topic. Key of a record = its id; blank lines are skipped.")
final class PublishCommand extends TopicCommand {
    private static final int MAX_RECORD_BYTES = 64 << 20;

    @Parameters(arity = "0..1", paramLabel = "FILE", description = "JSONL file; none or - = stdin.")
    private @Nullable Path file;

    @Option(names = "--input", paramLabel = "FILE", description = "The same as FILE.")
    private @Nullable Path input;

    @Option(names = "--topic", paramLabel = "NAME", description = "Instead of --prompts-topic.")
    private @Nullable String topic;

    @Option(names = "--header", paramLabel = "NAME=VALUE", description = "Header of every record; may be repeated.")
    private Map<String, String> headers = new LinkedHashMap<>();

    @Override
    int call(JobOptions options) throws IOException {
        String name = topic != null ? topic : options.get(JobOptions.PROMPTS_TOPIC);
        List<Header> recordHeaders = new ArrayList<>();
        headers.forEach((k, v) -> recordHeaders.add(new RecordHeader(k, v.getBytes(UTF_8))));
        long count = 0;
        try (LineReader lines = new LineReader(open(), "", MAX_RECORD_BYTES);
                TopicWriter to = TopicWriter.open(options.kafkaProperties(), name, MAX_RECORD_BYTES)) {
            for (WireRecord line = lines.next(); line != null; line = lines.next()) {
                if (line.fullBytes >= 0) {
                    throw new ConfigException("line " + line.offset + " has " + line.fullBytes
                            + " bytes but the limit is " + MAX_RECORD_BYTES + ": shorten it");
                }
                String id = RecordId.find(line.value);
                to.send(id == null ? null : id.getBytes(UTF_8), line.value, recordHeaders);
                count++;
            }
            to.flush();
        }
        if (terminal.isJson()) {
            terminal.result(new ObjectMapper()
                    .createObjectNode()
                    .put("published", count)
                    .put("topic", name)
                    .toString());
        } else {
            terminal.say("published " + count + " records to " + name);
        }
        return Main.DONE;
    }

    private InputStream open() {
        Path from = file != null ? file : input;
        if (from == null || from.toString().equals("-")) {
            return new BufferedInputStream(System.in, 1 << 16);
        }
        try {
            return new BufferedInputStream(Files.newInputStream(from), 1 << 16);
        } catch (IOException e) {
            throw new ConfigException("can't read " + from + ": no such file, or no right to", e);
        }
    }
}
