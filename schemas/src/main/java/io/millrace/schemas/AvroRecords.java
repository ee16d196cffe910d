package io.millrace.schemas;

import io.millrace.schemas.avro.CandidateRecord;
import io.millrace.schemas.avro.ChoiceRecord;
import io.millrace.schemas.avro.CompletionRecord;
import io.millrace.schemas.avro.MessageRecord;
import io.millrace.schemas.avro.PromptRecord;
import io.millrace.schemas.avro.ProvenanceRecord;
import io.millrace.schemas.avro.ResultRecord;
import io.millrace.schemas.avro.TokenLogprobRecord;
import io.millrace.schemas.avro.TopLogprobRecord;
import io.millrace.schemas.avro.UsageRecord;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;

/**
 * Avro's view of the generated classes: a fixed table instead of a look-up by name, which would go through whichever
 * class loader is current and through Avro's list of trusted packages. So no JVM flag is needed, and it works where
 * Avro and this class come from different loaders, as in a Flink job. Any thread.
 */
final class AvroRecords extends SpecificData {
    private static final Map<String, Class<?>> CLASSES = new HashMap<>();

    static {
        List<Class<? extends SpecificRecord>> classes = List.of(
                PromptRecord.class,
                MessageRecord.class,
                CompletionRecord.class,
                ChoiceRecord.class,
                TokenLogprobRecord.class,
                TopLogprobRecord.class,
                UsageRecord.class,
                ProvenanceRecord.class,
                ResultRecord.class,
                CandidateRecord.class);
        for (Class<?> c : classes) {
            CLASSES.put(c.getName(), c);
        }
    }

    AvroRecords() {
        super(AvroRecords.class.getClassLoader());
    }

    @Override
    @SuppressWarnings("rawtypes") // as in the overridden method
    public Class getClass(Schema schema) {
        if (schema.getType() != Schema.Type.RECORD) {
            return super.getClass(schema);
        }
        Class<?> c = CLASSES.get(schema.getFullName());
        if (c == null) {
            throw new IllegalStateException("no class for Avro record " + schema.getFullName() + ": add it here");
        }
        return c;
    }
}
