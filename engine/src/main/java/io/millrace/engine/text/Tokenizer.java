package io.millrace.engine.text;

import io.millrace.engine.ConfigException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * Byte-level BPE of a tokenizer.json. Immutable apart from a bounded cache; any thread.
 *
 * <p>Text goes through {@link AddedTokens} (if asked for), {@link PreTokenizer} and {@link BpeMerges}. It adds no
 * begin-of-sentence token: {@link ChatTemplate} does. Text of users is encoded without added tokens, so that what looks like
 * a control token stays text.
 */
public final class Tokenizer {
    /** Pieces kept with their ids; a full cache is emptied. */
    static final int CACHED_PIECES = 1 << 16;
    /** Characters of a piece that is worth keeping. */
    private static final int CACHED_LENGTH = 32;

    private static final byte[] NOTHING = {};

    private final PreTokenizer preTokenizer;
    private final AddedTokens addedTokens;
    private final BpeMerges merges;
    /** [256] i32: id of each single byte. */
    private final int[] byteIds;
    /** [numTokens][·] u8: what each id stands for; empty where the vocabulary has a hole. */
    private final byte[][] bytes;

    private final Map<String, TokenizerJson.Added> addedByContent = new HashMap<>();
    private final Map<Integer, TokenizerJson.Added> addedById = new HashMap<>();
    private final ConcurrentHashMap<String, int[]> cache = new ConcurrentHashMap<>();

    private Tokenizer(TokenizerJson json) {
        Map<String, Integer> vocab = json.vocab();
        List<TokenizerJson.Added> added = json.added();
        preTokenizer = new PreTokenizer(json.splits());
        addedTokens = new AddedTokens(added);
        merges = json.merges(vocab);
        byteIds = byteIds(json, vocab);
        for (TokenizerJson.Added token : added) {
            addedByContent.put(token.content(), token);
            addedById.put(token.id(), token);
        }
        bytes = bytes(json, vocab);
    }

    private Tokenizer(int numTokens) {
        preTokenizer = new PreTokenizer(List.of());
        addedTokens = new AddedTokens(List.of());
        merges = new BpeMerges(new int[0], new int[0], new int[0]);
        byteIds = new int[0];
        bytes = new byte[numTokens][];
        Arrays.fill(bytes, NOTHING);
    }

    /** Returns the tokenizer of a model that came without a tokenizer.json (random weights): ids mean nothing, every text is empty. */
    public static Tokenizer ofIdsOnly(int numTokens) {
        return new Tokenizer(numTokens);
    }

    /**
     * Reads a tokenizer.json.
     *
     * @throws ConfigException if the file can't be read, or asks for something that isn't done here exactly as published
     */
    public static Tokenizer load(Path file) {
        return new Tokenizer(TokenizerJson.read(file));
    }

    private static int[] byteIds(TokenizerJson json, Map<String, Integer> vocab) {
        int[] ids = new int[256];
        for (int b = 0; b < 256; b++) {
            Integer id = vocab.get(ByteAlphabet.letter(b));
            if (id == null) {
                throw json.refused("model.vocab lacks the letter \"" + ByteAlphabet.letter(b) + "\" of byte " + b);
            }
            ids[b] = id;
        }
        return ids;
    }

    private byte[][] bytes(TokenizerJson json, Map<String, Integer> vocab) {
        int maxId = IntStream.concat(
                        vocab.values().stream().mapToInt(id -> id),
                        addedById.keySet().stream().mapToInt(id -> id))
                .max()
                .orElseThrow();
        byte[][] out = new byte[maxId + 1][];
        Arrays.fill(out, NOTHING);
        for (Map.Entry<String, Integer> entry : vocab.entrySet()) {
            TokenizerJson.Added added = addedById.get(entry.getValue());
            byte[] own = ByteAlphabet.bytes(entry.getKey());
            if (added != null ? !added.content().equals(entry.getKey()) : own == null) {
                throw json.refused("token \"" + entry.getKey() + "\" (id " + entry.getValue()
                        + (added != null
                                ? ") is the added token \"" + added.content() + "\", too"
                                : ") isn't in byte letters"));
            }
            out[entry.getValue()] = own == null ? NOTHING : own;
        }
        for (TokenizerJson.Added added : addedById.values()) {
            if (vocab.getOrDefault(added.content(), added.id()) != added.id()) {
                throw json.refused("added token \"" + added.content() + "\" has the id " + added.id()
                        + ", but in model.vocab " + vocab.get(added.content()));
            }
            out[added.id()] = added.content().getBytes(StandardCharsets.UTF_8);
        }
        return out;
    }

    /**
     * Returns the ids of a text; with {@code addedTokens} the added tokens in it are recognised. An unpaired surrogate counts
     * as U+FFFD.
     *
     * @throws IllegalStateException if there was no tokenizer.json: ask {@link #hasText} first
     */
    public int[] encode(String text, boolean addedTokens) {
        if (!hasText()) {
            throw new IllegalStateException("there is no tokenizer.json to encode \"" + text + "\" with");
        }
        String clean = wellFormed(text);
        IntStream.Builder ids = IntStream.builder();
        if (addedTokens) {
            this.addedTokens.cut(clean, (from, to, id) -> {
                if (id == AddedTokens.PLAIN) {
                    encodePlain(clean.substring(from, to), ids);
                } else {
                    ids.add(id);
                }
            });
        } else {
            encodePlain(clean, ids);
        }
        return ids.build().toArray();
    }

    private void encodePlain(String text, IntStream.Builder ids) {
        preTokenizer.forEachPiece(text, piece -> {
            for (int id : encodePiece(piece)) {
                ids.add(id);
            }
        });
    }

    private int[] encodePiece(String piece) {
        int[] known = cache.get(piece);
        if (known != null) {
            return known;
        }
        byte[] utf8 = piece.getBytes(StandardCharsets.UTF_8);
        int[] symbols = new int[utf8.length];
        for (int i = 0; i < utf8.length; i++) {
            symbols[i] = byteIds[utf8[i] & 0xFF];
        }
        int[] ids = merges.merge(symbols);
        if (piece.length() <= CACHED_LENGTH) {
            if (cache.mappingCount() >= CACHED_PIECES) {
                cache.clear();
            }
            cache.put(piece, ids);
        }
        return ids;
    }

    /** How many pieces are cached. For tests. */
    long numCachedPieces() {
        return cache.mappingCount();
    }

    private static String wellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                int[] points = text.codePoints()
                        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
                        .toArray();
                return new String(points, 0, points.length);
            }
        }
        return text;
    }

    /** Returns the text of ids; bytes that aren't UTF-8 become U+FFFD. */
    public String decode(int[] ids) {
        StreamDetokenizer stream = new StreamDetokenizer(this);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(stream.append(id));
        }
        return text.append(stream.finish()).toString();
    }

    /** Returns the bytes that a token stands for (an added token's: its name in UTF-8); empty for an unknown id. */
    public byte[] tokenBytes(int id) {
        return bytesOf(id).clone();
    }

    /** As {@link #tokenBytes}, not copied: only to be read. */
    byte[] bytesOf(int id) {
        return id >= 0 && id < bytes.length ? bytes[id] : NOTHING;
    }

    /** Returns whether text can be encoded and decoded. */
    public boolean hasText() {
        return byteIds.length > 0;
    }

    /** Returns the largest id + 1. */
    public int numTokens() {
        return bytes.length;
    }

    /** Returns the id of an added token. */
    public OptionalInt idOf(String addedToken) {
        TokenizerJson.Added added = addedByContent.get(addedToken);
        return added == null ? OptionalInt.empty() : OptionalInt.of(added.id());
    }

    /** Returns whether the id is an added token's. */
    public boolean isAdded(int id) {
        return addedById.containsKey(id);
    }

    /** Returns whether the id is that of an added token which the file calls special; DeepSeek's role tokens aren't. */
    public boolean isSpecial(int id) {
        TokenizerJson.Added added = addedById.get(id);
        return added != null && added.isSpecial();
    }
}
