package io.millrace.job.dataset;

import static io.millrace.job.dataset.PromptTemplate.textOf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ChatMessage;
import io.millrace.engine.ConfigException;
import io.millrace.engine.PromptInput;
import io.millrace.engine.RejectedException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Which column of a row is what. Any thread.
 *
 * @param template the user's message, null = see {@code promptColumn}
 * @param promptColumn column whose text is the user's message, null = the column {@code messages} is the conversation
 * @param answerColumn column with the right answer, null = there is none
 * @param idColumn column with the row's id, null = {@code file:line}
 */
public record Columns(
        @Nullable PromptTemplate template,
        @Nullable String promptColumn,
        @Nullable String answerColumn,
        @Nullable String idColumn)
        implements Serializable {
    private static final String MESSAGES = "messages";

    /** Checks what excludes each other. */
    public Columns {
        if (template != null && promptColumn != null) {
            throw new ConfigException("--prompt-template and --prompt-column are both given: give one of them");
        }
    }

    /**
     * Reads a row.
     *
     * @throws RejectedException if the row can't be read, a column that is asked for is missing, or the conversation is none
     */
    Question question(Row row) {
        ObjectNode columns = row.columns();
        if (columns == null) {
            throw new RejectedException(RejectedException.Stage.DECODE, false, String.valueOf(row.problem()));
        }
        String id = idColumn == null ? row.place() : textOf(columns, idColumn, "--id-column");
        String answer = answerColumn == null ? null : textOf(columns, answerColumn, "--answer-column");
        List<ChatMessage> messages;
        if (template != null) {
            messages = List.of(user(template.render(columns)));
        } else if (promptColumn != null) {
            messages = List.of(user(textOf(columns, promptColumn, "--prompt-column")));
        } else {
            messages = messages(columns.get(MESSAGES));
        }
        String prompt = messages.get(messages.size() - 1).content();
        return new Question(row.index(), row.place(), id, new PromptInput.Chat(messages), prompt, answer, columns);
    }

    private static ChatMessage user(String text) {
        return new ChatMessage(ChatMessage.Role.USER, text);
    }

    private static List<ChatMessage> messages(@Nullable JsonNode json) {
        if (json == null || !json.isArray() || json.isEmpty()) {
            throw rejected("column \"messages\" is no list of messages: give --prompt-template or --prompt-column");
        }
        List<ChatMessage> messages = new ArrayList<>(json.size());
        for (JsonNode message : json) {
            JsonNode content = message.path("content");
            String role = message.path("role").asText();
            if (!content.isTextual()) {
                throw rejected("column \"messages\" has a message whose content is no string");
            }
            messages.add(new ChatMessage(role(role), content.textValue()));
        }
        return messages;
    }

    private static ChatMessage.Role role(String role) {
        for (ChatMessage.Role known : ChatMessage.Role.values()) {
            if (known.name().toLowerCase(Locale.ROOT).equals(role)) {
                return known;
            }
        }
        throw rejected("column \"messages\" has role \"" + role + "\" but it must be system, user or assistant");
    }

    private static RejectedException rejected(String message) {
        return new RejectedException(RejectedException.Stage.VALIDATE, false, message);
    }
}
