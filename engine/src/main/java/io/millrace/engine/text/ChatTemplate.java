package io.millrace.engine.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.ChatMessage;
import io.millrace.engine.ConfigException;
import io.millrace.engine.PromptInput;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * DeepSeek's chat format as code. Immutable; any thread.
 *
 * <p>No Jinja runs: the model's own {@code chat_template} only says which of the known shapes it is (DeepSeek-V3, R1 before
 * and since it opens the thought in the prompt, R1-0528), any other is refused. Tokens that give structure are put in by id,
 * contents are encoded without added tokens, so no content can forge a turn.
 */
public final class ChatTemplate {
    /** Opens a reasoning. */
    public static final String THINK = "<think>";
    /** Closes a reasoning. */
    public static final String END_THINK = "</think>";

    private static final int MAX_BYTES = 8 << 20;
    private static final String USER = "<｜User｜>";
    private static final String ASSISTANT = "<｜Assistant｜>";
    /** DeepSeek's longest has some 3,000 characters. */
    private static final int MAX_TEMPLATE_LENGTH = 1 << 16;
    /** What isn't inside a tag would come out as text: no known template has any. */
    private static final Pattern ANY_TAG = Pattern.compile("(?s)\\{%.*?%\\}|\\{\\{.*?\\}\\}");
    /** What a template calls the text of a message. */
    private static final String CONTENT = "(?:\\w+|message\\['content'\\])";
    /** System text right behind the begin of sentence. */
    private static final Pattern SYSTEM = Pattern.compile("\\{\\{bos_token\\}\\}\\{\\{\\w+(?:\\.\\w+)?\\}\\}");

    private static final Pattern USER_TURN =
            Pattern.compile("\\{\\{'" + USER + "'\\+" + CONTENT + "(\\+'" + ASSISTANT + "')?\\}\\}");
    private static final Pattern ASSISTANT_TURN = Pattern.compile(
            "\\{\\{('" + ASSISTANT + "'\\+)?" + CONTENT + "\\+(?:eos_token|'<｜end▁of▁sentence｜>')\\}\\}");
    private static final Pattern GENERATION =
            Pattern.compile("\\{%if add_generation_prompt[\\w .]*%\\}\\{\\{'([^']*)'\\}\\}\\{%endif%\\}$");

    private final Tokenizer tokenizer;
    private final int bos;
    private final int eos;
    private final int user;
    private final int assistant;
    private final OptionalInt think;
    private final OptionalInt endThink;
    private final Shape shape;

    /**
     * How templates differ.
     *
     * @param opensThought the prompt ends with {@code <think>\n}
     * @param cutsThoughts the thoughts of earlier answers are left out
     * @param userOpensAnswer the assistant's token follows each user turn, instead of preceding each answer
     */
    private record Shape(boolean opensThought, boolean cutsThoughts, boolean userOpensAnswer) {}

    private ChatTemplate(Tokenizer tokenizer, JsonNode config, Path file) {
        this.tokenizer = tokenizer;
        shape = shape(config.path("chat_template"), file);
        bos = idOf(tokenOf(config, "bos_token", file), file);
        eos = idOf(tokenOf(config, "eos_token", file), file);
        user = idOf(USER, file);
        assistant = idOf(ASSISTANT, file);
        think = tokenizer.idOf(THINK);
        endThink = tokenizer.idOf(END_THINK);
        if (shape.opensThought) {
            idOf(THINK, file);
            idOf(END_THINK, file);
        }
    }

    /**
     * Reads the shape from a tokenizer_config.json.
     *
     * @throws ConfigException if the template isn't a known one, or the tokenizer lacks a token that it needs
     */
    public static ChatTemplate of(Tokenizer tokenizer, Path tokenizerConfigJson) {
        return new ChatTemplate(tokenizer, JsonFile.read(tokenizerConfigJson, MAX_BYTES), tokenizerConfigJson);
    }

    private static Shape shape(JsonNode template, Path file) {
        String text = template.asText().length() <= MAX_TEMPLATE_LENGTH ? plainTags(template.asText()) : "";
        Matcher user = USER_TURN.matcher(text);
        Matcher answer = ASSISTANT_TURN.matcher(text);
        Matcher generation = GENERATION.matcher(text);
        if (ANY_TAG.matcher(text).replaceAll("").isEmpty()
                && SYSTEM.matcher(text).find()
                && user.find()
                && generation.find()) {
            boolean userOpens = user.group(1) != null;
            String opening = generation.group(1).replace("\\n", "\n");
            boolean opensThought = opening.equals(ASSISTANT + THINK + "\n");
            boolean isAnswerKnown = answer.results().anyMatch(a -> (a.group(1) == null) == userOpens);
            if (isAnswerKnown && (opening.equals(ASSISTANT) || (opensThought && !userOpens))) {
                return new Shape(opensThought, text.contains("split('" + END_THINK + "')[-1]"), userOpens);
            }
        }
        throw new ConfigException(String.format(
                "%s: chat_template isn't one of DeepSeek-V3, R1 or R1-0528 (begin of sentence, system text, %s text, %s text, "
                        + "at the end %s with or without %s): use such a model's file",
                file, USER, ASSISTANT, ASSISTANT, THINK));
    }

    /** Applies Jinja's rules for blanks around tags (with trim_blocks and lstrip_blocks, as published templates expect). */
    private static String plainTags(String template) {
        return template.replaceAll("\\s*(\\{\\{|\\{%)-", "$1")
                .replaceAll("-(\\}\\}|%\\})\\s*", "$1")
                .replaceAll("(?m)^[ \\t]+\\{%", "{%")
                .replaceAll("%\\}\\n", "%}")
                .replaceAll("\\n$", "")
                .replaceAll("(\\{\\{|\\{%)\\s+", "$1")
                .replaceAll("\\s+(\\}\\}|%\\})", "$1")
                .replaceAll(" *\\+ *", "+");
    }

    /** Returns the content of a token that the config gives as a string or as an object. */
    private static String tokenOf(JsonNode config, String key, Path file) {
        JsonNode value = config.path(key);
        String content =
                value.isTextual() ? value.textValue() : value.path("content").asText();
        if (content.isEmpty()) {
            throw new ConfigException(file + ": has no " + key + ": use the file that came with the model");
        }
        return content;
    }

    private int idOf(String token, Path file) {
        return tokenizer
                .idOf(token)
                .orElseThrow(() -> new ConfigException(String.format(
                        "%s: its chat template needs the token \"%s\", which tokenizer.json doesn't add: "
                                + "both files must come from the same model",
                        file, token)));
    }

    /** Returns the begin-of-sentence id. */
    public int bosId() {
        return bos;
    }

    /** Returns the end-of-sentence id. */
    public int eosId() {
        return eos;
    }

    /** Returns the ids of a conversation whose assistant has begun its turn, i32: {@link PromptInput.Turn}. */
    public int[] render(PromptInput.Turn turn) {
        int[] ids = render(turn.messages());
        boolean isLineEnded = false;
        for (PromptInput.Said said : turn.answer()) {
            IntStream.Builder more = IntStream.builder();
            if (said instanceof PromptInput.Said.Generated generated) {
                addGenerated(more, generated);
                isLineEnded = generated.text().endsWith("\n");
            } else {
                if (startsInsideReasoning(ids)) {
                    addText(more, isLineEnded ? "" : "\n");
                    more.add(endThink.orElseThrow());
                    addText(more, "\n\n");
                }
                addText(more, ((PromptInput.Said.Written) said).text());
            }
            ids = IntStream.concat(IntStream.of(ids), more.build()).toArray();
        }
        return ids;
    }

    /** Adds the drawn ids as far as they spell the text in whole characters, and what is left of it (cut at a stop string) as text. */
    private void addGenerated(IntStream.Builder ids, PromptInput.Said.Generated generated) {
        StreamDetokenizer detokenizer = new StreamDetokenizer(tokenizer);
        String text = generated.text();
        int numChars = 0;
        int numIds = 0;
        int charsAt = 0;
        for (int k = 0; k < generated.tokenIds().length; k++) {
            String more = detokenizer.append(generated.tokenIds()[k]);
            if (!text.startsWith(more, numChars)) {
                break;
            }
            numChars += more.length();
            if (!more.isEmpty() && detokenizer.isBetweenCharacters()) {
                numIds = k + 1;
                charsAt = numChars;
            }
        }
        IntStream.of(generated.tokenIds()).limit(numIds).forEach(ids::add);
        addText(ids, text.substring(charsAt));
    }

    /** Returns the ids of a conversation, i32, ready for the assistant's next turn; they start with exactly one {@link #bosId}. */
    public int[] render(List<ChatMessage> messages) {
        IntStream.Builder ids = IntStream.builder();
        ids.add(bos);
        addText(
                ids,
                messages.stream()
                        .filter(m -> m.role() == ChatMessage.Role.SYSTEM)
                        .map(ChatMessage::content)
                        .collect(Collectors.joining("\n\n")));
        boolean isOpen = false; // the assistant's token is the last one
        for (ChatMessage message : messages) {
            switch (message.role()) {
                case SYSTEM -> {}
                case USER -> {
                    ids.add(user);
                    addText(ids, message.content());
                    isOpen = shape.userOpensAnswer;
                    if (isOpen) {
                        ids.add(assistant);
                    }
                }
                case ASSISTANT -> {
                    if (!shape.userOpensAnswer) {
                        ids.add(assistant);
                    }
                    addText(ids, shape.cutsThoughts ? withoutThought(message.content()) : message.content());
                    ids.add(eos);
                    isOpen = false;
                }
            }
        }
        if (!isOpen) {
            ids.add(assistant);
        }
        if (shape.opensThought) {
            ids.add(think.orElseThrow());
            addText(ids, "\n");
        }
        return ids.build().toArray();
    }

    private static String withoutThought(String content) {
        int end = content.lastIndexOf(END_THINK);
        return end < 0 ? content : content.substring(end + END_THINK.length());
    }

    private void addText(IntStream.Builder ids, String text) {
        for (int id : tokenizer.encode(text, false)) {
            ids.add(id);
        }
    }

    /** Returns the ids of a raw text, i32, behind exactly one {@link #bosId} even if the text begins with some. */
    public int[] raw(String text, boolean addedTokens) {
        int[] ids = tokenizer.encode(text, addedTokens);
        IntStream rest = IntStream.of(ids).dropWhile(id -> id == bos);
        return IntStream.concat(IntStream.of(bos), rest).toArray();
    }

    /**
     * Returns whether a prompt leaves a thought open: {@code <think>} with no other structure behind it.
     *
     * @param promptIds [tokens] i32, rendered or given by the user
     */
    public boolean startsInsideReasoning(int[] promptIds) {
        for (int i = promptIds.length - 1; i >= 0 && think.isPresent(); i--) {
            int id = promptIds[i];
            if (id == think.getAsInt()) {
                return true;
            }
            if (id == bos || id == eos || id == user || id == assistant || endThink.equals(OptionalInt.of(id))) {
                return false;
            }
        }
        return false;
    }
}
