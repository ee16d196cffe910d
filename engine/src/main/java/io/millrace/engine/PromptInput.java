package io.millrace.engine;

import java.util.List;

/** What a request asks the model to continue. */
public sealed interface PromptInput {
    /** A conversation, rendered by the model's chat template; contents never become special tokens. */
    record Chat(List<ChatMessage> messages) implements PromptInput {
        /** Copies the list. */
        public Chat {
            messages = List.copyOf(messages);
        }
    }

    /** Raw text behind exactly one begin-of-sentence token; {@code isRaw}: added tokens in the text are recognised. */
    record Text(String text, boolean isRaw) implements PromptInput {}

    /** Token ids, taken as they are. */
    @SuppressWarnings("ArrayRecordComponent") // owned by the request, compared by nobody
    record Tokens(int[] ids) implements PromptInput {}
}
