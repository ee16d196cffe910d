package io.millrace.schemas;

import org.jspecify.annotations.Nullable;

/**
 * Reads prompts written as JSON: an OpenAI chat request, its raw form with {@code prompt}, a {@code program}, or a line of the OpenAI
 * batch format. Any thread.
 *
 * <p>Nothing is coerced and nothing clamped: a number in quotes, an integer with a fraction or half a character is an
 * error that names its field.
 */
public final class PromptJson {
    private PromptJson() {}

    /**
     * Decodes a prompt.
     *
     * @param value the record's value, [bytes] UTF-8
     * @param limits bounds of sizes
     * @param strict whether an unknown field is an error; otherwise {@link Prompt#unknownFields} has its name
     * @throws WireException if it is no valid prompt
     */
    public static Prompt decode(byte @Nullable [] value, WireLimits limits, boolean strict) throws WireException {
        char[] text = WireText.decode(WireText.checkSize(value, limits));
        boolean isBatchLine = JsonCheck.isBatchLine(text, limits);
        JsonReader in = new JsonReader(text, false); // JsonCheck has seen the duplicates
        in.next();
        if (isBatchLine) {
            return BatchLine.decode(in, limits, strict);
        }
        PromptDraft draft = RequestFields.read(in, limits, strict);
        if (draft.id == null) {
            draft.id = draft.customId;
        }
        draft.customId = null; // it is for the batch form to mirror
        return draft.build(draft.text == null && draft.tokenIds == null ? Prompt.Form.CHAT : Prompt.Form.RAW, "");
    }
}
