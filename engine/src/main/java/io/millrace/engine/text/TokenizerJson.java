package io.millrace.engine.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.ConfigException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The parts of a tokenizer.json, checked: a byte-level BPE behind isolating splits, as DeepSeek-V3 and R1 have it. The file
 * is untrusted; whatever this package wouldn't do exactly as Hugging Face's library does is refused by name. Used while
 * loading, by one thread.
 */
final class TokenizerJson {
    /** DeepSeek-V3's has 7.8 MB. */
    static final int MAX_BYTES = 64 << 20;
    /** DeepSeek-V3 has 128,815 ids. */
    static final int MAX_TOKENS = 1 << 20;
    /** Characters of an added token. */
    static final int MAX_ADDED_LENGTH = 256;

    /** An entry of {@code added_tokens}. */
    record Added(int id, String content, boolean isSpecial, boolean isNormalized) {}

    private final Path file;
    private final JsonNode root;

    private TokenizerJson(Path file, JsonNode root) {
        this.file = file;
        this.root = root;
    }

    /** Reads the file and checks everything but vocabulary, merges and splits, which their accessors check. */
    static TokenizerJson read(Path file) {
        TokenizerJson json = new TokenizerJson(file, JsonFile.read(file, MAX_BYTES));
        json.checkAround();
        json.checkModel(json.root.path("model"));
        return json;
    }

    /** Refuses what comes before and after the splits and the model. */
    private void checkAround() {
        refuseUnless(isNull(root.path("truncation")), "truncation isn't null");
        refuseUnless(isNull(root.path("padding")), "padding isn't null");
        JsonNode normalizer = root.path("normalizer");
        boolean isEmptySequence = hasType(normalizer, "Sequence")
                && normalizer.path("normalizers").isArray()
                && normalizer.path("normalizers").isEmpty();
        refuseUnless(isNull(normalizer) || isEmptySequence, "normalizer is " + summary(normalizer));
        JsonNode post = root.path("post_processor");
        refuseUnless(isNull(post) || hasType(post, "ByteLevel"), "post_processor is " + summary(post));
        JsonNode decoder = root.path("decoder");
        refuseUnless(hasType(decoder, "ByteLevel"), "decoder is " + summary(decoder));
    }

    private void checkModel(JsonNode model) {
        refuseUnless(hasType(model, "BPE"), "model is " + summary(model));
        for (String key : List.of("unk_token", "dropout")) {
            refuseUnless(isNull(model.path(key)), "model." + key + " is " + model.path(key));
        }
        for (String key : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            JsonNode value = model.path(key);
            refuseUnless(isNull(value) || value.asText().isEmpty(), "model." + key + " is " + value);
        }
        for (String key : List.of("byte_fallback", "ignore_merges")) {
            refuseUnless(isFalse(model.path(key)), "model." + key + " is " + model.path(key));
        }
    }

    /** Returns the splits of the pre-tokenizer, in order. */
    List<Pattern> splits() {
        JsonNode pre = root.path("pre_tokenizer");
        JsonNode steps = pre.path("pretokenizers");
        refuseUnless(
                hasType(pre, "Sequence") && steps.isArray() && !steps.isEmpty(), "pre_tokenizer is " + summary(pre));
        List<Pattern> splits = new ArrayList<>();
        for (int i = 0; i + 1 < steps.size(); i++) {
            splits.add(split(steps.get(i), "pre_tokenizer step " + i));
        }
        JsonNode last = steps.get(steps.size() - 1);
        refuseUnless(hasType(last, "ByteLevel"), "the last pre_tokenizer step is " + summary(last));
        for (String key : List.of("add_prefix_space", "use_regex")) {
            boolean isOff = last.path(key).isBoolean() && !last.path(key).booleanValue(); // both default to true
            refuseUnless(isOff, "the pre_tokenizer's ByteLevel has " + key + " other than false");
        }
        return splits;
    }

    private Pattern split(JsonNode step, String where) {
        refuseUnless(hasType(step, "Split"), where + " is " + summary(step));
        JsonNode behavior = step.path("behavior");
        refuseUnless(behavior.asText().equals("Isolated"), where + " has the behavior " + behavior);
        refuseUnless(isFalse(step.path("invert")), where + " is inverted");
        JsonNode regex = step.path("pattern").path("Regex");
        refuseUnless(regex.isTextual(), where + " has no pattern.Regex");
        try {
            return SplitPattern.compile(regex.textValue());
        } catch (IllegalArgumentException e) { // a PatternSyntaxException, too
            String reason =
                    String.valueOf(e.getMessage()).lines().findFirst().orElse("an error"); // the pattern follows
            throw new ConfigException(message(where + ": its regex has " + reason), e);
        }
    }

    /** Returns the ids of {@code model.vocab} by token, the tokens in the letters of {@link ByteAlphabet}; ids are distinct. */
    Map<String, Integer> vocab() {
        JsonNode vocab = root.path("model").path("vocab");
        refuseUnless(vocab.isObject(), "model.vocab isn't an object");
        Map<String, Integer> ids = new HashMap<>();
        Map<Integer, String> tokens = new HashMap<>();
        for (Map.Entry<String, JsonNode> entry : vocab.properties()) {
            int id = id(entry.getValue(), "model.vocab", entry.getKey());
            String other = tokens.put(id, entry.getKey());
            if (other != null) {
                throw refused(
                        "model.vocab gives the id " + id + " to \"" + other + "\" and \"" + entry.getKey() + "\"");
            }
            ids.put(entry.getKey(), id);
        }
        return ids;
    }

    /** Returns {@code added_tokens}; contents are distinct and not empty, ids are distinct. */
    List<Added> added() {
        List<Added> out = new ArrayList<>();
        Map<Object, Added> seen = new HashMap<>();
        for (JsonNode entry : root.path("added_tokens")) {
            Added token = added(entry);
            if (seen.put(token.id(), token) != null || seen.put(token.content(), token) != null) {
                throw refused("added token \"" + token.content() + "\" repeats another's content or id " + token.id());
            }
            out.add(token);
        }
        return out;
    }

    private Added added(JsonNode entry) {
        String content = entry.path("content").asText();
        if (content.isEmpty() || content.length() > MAX_ADDED_LENGTH) {
            throw refused("an added token has " + content.length() + " characters, limit 1 to " + MAX_ADDED_LENGTH);
        }
        for (String flag : List.of("single_word", "lstrip", "rstrip")) {
            if (!isFalse(entry.path(flag))) {
                throw refused("added token \"" + content + "\" has " + flag);
            }
        }
        return new Added(
                id(entry.path("id"), "added_tokens", content),
                content,
                entry.path("special").asBoolean(false),
                entry.path("normalized").asBoolean(true));
    }

    /** Returns the merges, whose parts and results are all in {@code vocab}. */
    BpeMerges merges(Map<String, Integer> vocab) {
        JsonNode merges = root.path("model").path("merges");
        refuseUnless(merges.isArray(), "model.merges isn't an array");
        int[] lefts = new int[merges.size()];
        int[] rights = new int[merges.size()];
        int[] merged = new int[merges.size()];
        for (int rank = 0; rank < merged.length; rank++) {
            String[] parts = parts(merges.get(rank), rank);
            lefts[rank] = partId(vocab, parts[0], rank);
            rights[rank] = partId(vocab, parts[1], rank);
            merged[rank] = partId(vocab, parts[0] + parts[1], rank);
        }
        try {
            return new BpeMerges(lefts, rights, merged);
        } catch (IllegalArgumentException e) {
            throw new ConfigException(message("model.merges: " + e.getMessage()), e);
        }
    }

    /** Returns the two parts of a merge: {@code "a b"} or, in newer files, {@code ["a", "b"]}. */
    private String[] parts(JsonNode merge, int rank) {
        String[] parts = merge.isArray() && merge.size() == 2
                ? new String[] {merge.get(0).asText(), merge.get(1).asText()}
                : merge.asText().split(" ", -1);
        if (parts.length != 2 || parts[0].isEmpty() || parts[1].isEmpty()) {
            throw refused("merge " + rank + " is " + merge + " instead of two tokens");
        }
        return parts;
    }

    private int partId(Map<String, Integer> vocab, String token, int rank) {
        Integer id = vocab.get(token);
        if (id == null) {
            throw refused("merge " + rank + " needs \"" + token + "\", which model.vocab lacks");
        }
        return id;
    }

    private int id(JsonNode value, String where, String token) {
        if (!value.isInt() || value.intValue() < 0 || value.intValue() >= MAX_TOKENS) {
            throw refused(
                    String.format("%s gives \"%s\" the id %s, limit 0 to %,d", where, token, value, MAX_TOKENS - 1));
        }
        return value.intValue();
    }

    private void refuseUnless(boolean isGood, String problem) {
        if (!isGood) {
            throw refused(problem);
        }
    }

    /** Makes the exception for a file that this package can't follow exactly. */
    ConfigException refused(String problem) {
        return new ConfigException(message(problem));
    }

    private String message(String problem) {
        return file + ": " + problem + "; only byte-level BPE as in DeepSeek-V3 and R1 works: use such a model's file";
    }

    private static boolean hasType(JsonNode node, String type) {
        return node.path("type").asText().equals(type);
    }

    /** Returns a node's type, or the node if it has none, short enough for a message. */
    private static String summary(JsonNode node) {
        String all = node.path("type").isTextual() ? node.path("type").textValue() : node.toString();
        return all.isEmpty() ? "missing" : all.substring(0, Math.min(60, all.length()));
    }

    private static boolean isNull(JsonNode value) {
        return value.isNull() || value.isMissingNode();
    }

    private static boolean isFalse(JsonNode value) {
        return isNull(value) || (value.isBoolean() && !value.booleanValue());
    }
}
