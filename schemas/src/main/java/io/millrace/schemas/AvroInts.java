package io.millrace.schemas;

import java.util.AbstractList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Token ids between arrays and Avro's lists. Any thread. */
final class AvroInts {
    private AvroInts() {}

    /** Returns the ids [n] i32. */
    static int @Nullable [] toArray(@Nullable List<Integer> list) {
        return list == null ? null : list.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Returns a view of the ids [n] i32. */
    static @Nullable List<Integer> toList(int @Nullable [] ids) {
        return ids == null ? null : new View(ids);
    }

    private static final class View extends AbstractList<Integer> {
        private final int[] ids;

        View(int[] ids) {
            this.ids = ids;
        }

        @Override
        public Integer get(int index) {
            return ids[index];
        }

        @Override
        public int size() {
            return ids.length;
        }
    }
}
