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

    /**
     * A conversation whose assistant has begun its next turn. Where the template opens a reasoning, written text closes it first; a
     * generated part goes on with the very tokens that were drawn.
     *
     * @param messages the turns before
     * @param answer what the assistant has said so far; empty = as {@link Chat}
     */
    record Turn(List<ChatMessage> messages, List<Said> answer) implements PromptInput {
        /** Copies the lists. */
        public Turn {
            messages = List.copyOf(messages);
            answer = List.copyOf(answer);
        }
    }

    /** A part of an assistant's turn. */
    sealed interface Said {
        /** Given text, which never becomes special tokens; "" only closes an open reasoning. */
        record Written(String text) implements Said {}

        /**
         * What a sample brought.
         *
         * @param tokenIds all its ids
         * @param text its text: ids behind its end (end tokens, the rest of a stop string) are left out
         */
        @SuppressWarnings("ArrayRecordComponent") // made once, compared by nobody
        record Generated(int[] tokenIds, String text) implements Said {}
    }

    /** Token ids, taken as they are. */
    @SuppressWarnings("ArrayRecordComponent") // owned by the request, compared by nobody
    record Tokens(int[] ids) implements PromptInput {}
}
