package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.java.typeutils.GenericTypeInfo;
import org.apache.flink.api.java.typeutils.ListTypeInfo;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class WireRecordTest {
    private static final TypeInformation<WireRecord> TYPE = TypeInformation.of(WireRecord.class);

    @Test
    void isAPojoAllTheWayDown() {
        assertThat(TYPE).isInstanceOf(PojoTypeInfo.class);
        List<TypeInformation<?>> seen = new ArrayList<>();
        Deque<TypeInformation<?>> open = new ArrayDeque<>(List.of(TYPE));
        while (!open.isEmpty()) {
            TypeInformation<?> type = open.pop();
            seen.add(type);
            if (type instanceof PojoTypeInfo<?> pojo) {
                for (int i = 0; i < pojo.getArity(); i++) {
                    open.push(pojo.getTypeAt(i));
                }
            } else if (type instanceof ListTypeInfo<?> list) {
                open.push(list.getElementTypeInfo());
            }
        }
        assertThat(seen).noneMatch(GenericTypeInfo.class::isInstance);
        assertThat(seen).contains(TypeInformation.of(WireRecord.Header.class)).hasSizeGreaterThan(10);
    }

    @Test
    void serializerNeedsNoGenericTypesAndKeepsNulls() throws IOException {
        SerializerConfigImpl config = new SerializerConfigImpl();
        config.setGenericTypes(false);
        TypeSerializer<WireRecord> serializer = TYPE.createSerializer(config);
        WireRecord full = TestRecords.record(9, "value");
        full.headers.add(new WireRecord.Header("null", null));
        WireRecord bare = new WireRecord();
        WireRecord reused = new WireRecord();
        for (WireRecord record : List.of(full, bare)) {
            DataOutputSerializer out = new DataOutputSerializer(64);
            serializer.serialize(record, out);
            reused = serializer.deserialize(reused, new DataInputDeserializer(out.getCopyOfBuffer()));
            assertThat(reused).usingRecursiveComparison().isEqualTo(record);
        }
    }

    @Test
    void aCopyOutlivesTheReuseOfItsOriginal() throws IOException {
        TypeSerializer<WireRecord> serializer = TYPE.createSerializer(new SerializerConfigImpl());
        DataOutputSerializer out = new DataOutputSerializer(64);
        serializer.serialize(TestRecords.record(2, "second"), out);
        WireRecord original = serializer.copy(TestRecords.record(1, "first"));
        WireRecord copy = original.copy();
        serializer.deserialize(original, new DataInputDeserializer(out.getCopyOfBuffer()));
        assertThat(original.value).isEqualTo("second".getBytes(StandardCharsets.UTF_8));
        assertThat(copy).usingRecursiveComparison().isEqualTo(TestRecords.record(1, "first"));
    }

    @Test
    void theLastHeaderOfANameCounts() {
        WireRecord record = TestRecords.record(1, "");
        record.headers.add(new WireRecord.Header("a", new byte[] {1}));
        record.headers.add(new WireRecord.Header("a", new byte[] {2}));
        assertThat(record.header("a").value).containsExactly(2);
        assertThat(record.header("b")).isNull();
    }
}
