package io.millrace.job.dataset;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Keeps finished rows until their shard is whole, and writes each shard once. Shard i has the input rows i·n to (i+1)·n − 1, in
 * order. Thread: the run's.
 *
 * <p>A row is in a journal, or in a written shard, or nowhere yet. A shard counts as written with its line in the shard log, which
 * comes after its files and before its journal goes: wherever a kill cuts in, the journal or the line is there.
 */
final class Shards implements Closeable {
    private final OutputFolder folder;
    private final int shardRows;
    private final ShardFiles files;
    private final Map<Integer, ShardEntry> written = new TreeMap<>();
    private final Map<Integer, ShardJournal> open = new TreeMap<>();
    private final FileChannel log;
    private long knownRows = Long.MAX_VALUE;

    /**
     * Takes up what an earlier run left.
     *
     * @param shardRows input rows per shard
     * @param files writes them
     */
    Shards(OutputFolder folder, int shardRows, ShardFiles files) throws IOException {
        this.folder = folder;
        this.shardRows = shardRows;
        this.files = files;
        Path file = folder.shardLog();
        long kept = readLog(file);
        log = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        log.truncate(kept).position(kept);
        for (int shard : folder.journaledShards()) {
            journal(shard);
        }
    }

    /** Returns the bytes of whole lines. */
    private long readLog(Path file) throws IOException {
        if (!Files.exists(file)) {
            return 0;
        }
        String text = Files.readString(file);
        int end = text.lastIndexOf('\n') + 1;
        for (String line : text.substring(0, end).lines().toList()) {
            ShardEntry entry = entry(line);
            written.put(entry.shard(), entry);
        }
        for (int shard : written.keySet()) {
            Files.deleteIfExists(folder.journal(shard)); // killed between the line and this
        }
        return text.substring(0, end).getBytes(UTF_8).length;
    }

    private static ShardEntry entry(String line) {
        try {
            return RowJson.MAPPER.readValue(line, ShardEntry.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the log of written shards has a line that is none: " + line, e);
        }
    }

    /** Returns whether a row is done. */
    boolean has(long row) throws IOException {
        int shard = shardOf(row);
        return written.containsKey(shard) || journal(shard).has(row);
    }

    /** Takes a finished row. */
    void add(RowResult row) throws IOException {
        int shard = shardOf(row.row());
        journal(shard).add(row);
        writeIfWhole(shard);
    }

    /** Says how many rows the input has, or how many of it were asked: the last shard ends there. */
    void endAt(long numRows) throws IOException {
        knownRows = numRows;
        for (int shard : new ArrayList<>(open.keySet())) {
            writeIfWhole(shard);
        }
        if (numRows == 0) {
            journal(0);
            writeIfWhole(0);
        }
    }

    private int shardOf(long row) {
        return Math.toIntExact(row / shardRows);
    }

    private ShardJournal journal(int shard) throws IOException {
        ShardJournal journal = open.get(shard);
        if (journal == null) {
            journal = new ShardJournal(folder.journal(shard));
            open.put(shard, journal);
            writeIfWhole(shard);
        }
        return journal;
    }

    private void writeIfWhole(int shard) throws IOException {
        ShardJournal journal = open.get(shard);
        long first = (long) shard * shardRows;
        if (journal == null || journal.numRows() != Math.min(shardRows, knownRows - first)) {
            return;
        }
        ShardEntry entry = files.write(shard, first, journal);
        ByteBuffer line = ByteBuffer.wrap((RowJson.MAPPER.writeValueAsString(entry) + "\n").getBytes(UTF_8));
        while (line.hasRemaining()) {
            log.write(line);
        }
        log.force(true);
        written.put(shard, entry);
        open.remove(shard);
        journal.delete();
    }

    /** Returns the shards that are written, in order. */
    List<ShardEntry> written() {
        return List.copyOf(written.values());
    }

    /** Returns the shards that aren't. */
    int numOpen() {
        return open.size();
    }

    /** Returns the tokens generated for all rows that are done. */
    long completionTokens() {
        return written.values().stream()
                        .mapToLong(e -> e.tally().completionTokens)
                        .sum()
                + open.values().stream()
                        .mapToLong(ShardJournal::completionTokens)
                        .sum();
    }

    @Override
    public void close() throws IOException {
        log.close();
        for (ShardJournal journal : open.values()) {
            journal.close();
        }
    }
}
