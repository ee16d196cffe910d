package io.millrace.schemas;

import io.millrace.schemas.avro.MessageRecord;
import io.millrace.schemas.avro.PromptRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads and writes prompts as Avro ({@code prompt.avsc}, single-object encoding). Any thread. */
public final class PromptAvro {
    private static final AvroCodec<PromptRecord> CODEC =
            new AvroCodec<>(PromptRecord.getClassSchema(), "prompt-1.avsc");

    private PromptAvro() {}

    /**
     * Decodes a prompt; its maps are in the order of their keys, because Avro's have none.
     *
     * @param value the record's value, [bytes]
     * @param limits bounds of sizes
     * @throws WireException if it is no valid prompt
     */
    public static Prompt decode(byte @Nullable [] value, WireLimits limits) throws WireException {
        PromptRecord in = CODEC.decode(WireText.checkSize(value, limits));
        PromptDraft draft = new PromptDraft();
        draft.id = id("id", in.getId(), limits);
        draft.model = in.getModel();
        draft.messages = messages(in.getMessages(), limits);
        draft.text = in.getPrompt();
        draft.program = in.getProgram();
        draft.tokenIds = AvroInts.toArray(in.getPromptTokenIds());
        draft.isRaw = in.getRaw();
        draft.returnTokenIds = in.getReturnTokenIds();
        draft.isStream = in.getStream();
        draft.priority = in.getPriority();
        draft.deadlineMs = in.getDeadlineMs();
        draft.tenant = id("tenant", in.getTenant(), limits);
        draft.user = in.getUser();
        checkEntries("metadata", in.getMetadata(), limits);
        draft.metadata = PromptDraft.frozen(new TreeMap<>(in.getMetadata()));
        sampling(in, draft, limits);
        if (draft.tokenIds != null && draft.tokenIds.length == 0) {
            throw new WireException("prompt_token_ids", -1, "has no token ids: give at least one");
        }
        return draft.build(Prompt.Form.AVRO, "");
    }

    private static void sampling(PromptRecord in, PromptDraft draft, WireLimits limits) throws WireException {
        draft.maxTokens = in.getMaxTokens();
        draft.minTokens = in.getMinTokens();
        draft.temperature = in.getTemperature();
        draft.topP = in.getTopP();
        draft.topK = in.getTopK();
        draft.minP = in.getMinP();
        draft.presencePenalty = in.getPresencePenalty();
        draft.frequencyPenalty = in.getFrequencyPenalty();
        draft.repetitionPenalty = in.getRepetitionPenalty();
        draft.seed = in.getSeed();
        draft.n = in.getN();
        draft.stop = in.getStop() == null ? null : List.copyOf(in.getStop());
        draft.stopTokenIds = in.getStopTokenIds() == null ? null : List.copyOf(in.getStopTokenIds());
        draft.ignoreEos = in.getIgnoreEos();
        draft.logitBias = logitBias(in.getLogitBias(), limits);
        draft.logprobs = in.getLogprobs();
        draft.topLogprobs = in.getTopLogprobs();
    }

    private static @Nullable String id(String field, @Nullable String id, WireLimits limits) throws WireException {
        String problem = id == null ? null : WireText.idProblem(id, limits);
        if (problem != null) {
            throw new WireException(field, -1, problem);
        }
        return id;
    }

    private static @Nullable List<Prompt.Message> messages(@Nullable List<MessageRecord> in, WireLimits limits)
            throws WireException {
        if (in == null) {
            return null;
        }
        if (in.isEmpty()) {
            throw new WireException("messages", -1, "is empty: give at least one message");
        }
        if (in.size() > limits.maxMessages()) {
            throw new WireException(
                    "messages",
                    -1,
                    "has " + in.size() + " messages but the limit is " + limits.maxMessages() + ": send fewer");
        }
        List<Prompt.Message> out = new ArrayList<>(in.size());
        for (MessageRecord message : in) {
            String role = PromptDraft.role(message.getRole());
            if (role == null) {
                String field = "messages[" + out.size() + "].role";
                throw new WireException(field, -1, PromptDraft.roleProblem(message.getRole()));
            }
            out.add(new Prompt.Message(role, message.getContent()));
        }
        return List.copyOf(out);
    }

    private static @Nullable Map<Integer, Double> logitBias(@Nullable Map<String, Double> in, WireLimits limits)
            throws WireException {
        if (in == null) {
            return null;
        }
        checkEntries("logit_bias", in, limits);
        Map<Integer, Double> out = new TreeMap<>();
        for (Map.Entry<String, Double> e : in.entrySet()) {
            int token = PromptDraft.biasedToken(e.getKey());
            if (token < 0) {
                throw new WireException("logit_bias", -1, PromptDraft.biasProblem(e.getKey()));
            }
            out.put(token, e.getValue());
        }
        return PromptDraft.frozen(out);
    }

    private static void checkEntries(String field, Map<String, ?> map, WireLimits limits) throws WireException {
        if (map.size() > limits.maxMetadata()) {
            throw new WireException(
                    field,
                    -1,
                    "has " + map.size() + " entries but the limit is " + limits.maxMetadata() + ": send fewer");
        }
    }

    /**
     * Encodes a prompt of any form; custom id, unknown fields, echo, best_of and bad_words have no place in Avro.
     *
     * @throws IllegalArgumentException if it asks for a structure, which has no place in Avro yet
     */
    public static byte[] encode(Prompt prompt) {
        if (prompt.structure() != null) {
            throw new IllegalArgumentException(
                    "response_format and guided_… have no place in Avro yet: send the prompt as JSON");
        }
        PromptRecord out = new PromptRecord();
        out.setId(prompt.id());
        out.setModel(prompt.model());
        out.setMessages(messageRecords(prompt.messages()));
        out.setPrompt(prompt.text());
        out.setPromptTokenIds(AvroInts.toList(prompt.tokenIds()));
        out.setRaw(prompt.isRaw());
        out.setReturnTokenIds(prompt.returnTokenIds());
        out.setStream(prompt.isStream());
        out.setPriority(prompt.priority());
        out.setDeadlineMs(prompt.deadlineMs());
        out.setTenant(prompt.tenant());
        out.setUser(prompt.user());
        out.setMetadata(new TreeMap<>(prompt.metadata())); // one order, so that equal prompts are equal bytes
        setSampling(out, prompt.sampling());
        out.setProgram(prompt.program());
        return CODEC.encode(out);
    }

    private static @Nullable List<MessageRecord> messageRecords(@Nullable List<Prompt.Message> messages) {
        return messages == null
                ? null
                : messages.stream()
                        .map(m -> new MessageRecord(m.role(), m.content()))
                        .toList();
    }

    private static void setSampling(PromptRecord out, Prompt.Sampling sampling) {
        out.setMaxTokens(sampling.maxTokens());
        out.setMinTokens(sampling.minTokens());
        out.setTemperature(sampling.temperature());
        out.setTopP(sampling.topP());
        out.setTopK(sampling.topK());
        out.setMinP(sampling.minP());
        out.setPresencePenalty(sampling.presencePenalty());
        out.setFrequencyPenalty(sampling.frequencyPenalty());
        out.setRepetitionPenalty(sampling.repetitionPenalty());
        out.setSeed(sampling.seed());
        out.setN(sampling.n());
        out.setStop(sampling.stop());
        out.setStopTokenIds(sampling.stopTokenIds());
        out.setIgnoreEos(sampling.ignoreEos());
        out.setLogitBias(biasByName(sampling.logitBias()));
        out.setLogprobs(sampling.logprobs());
        out.setTopLogprobs(sampling.topLogprobs());
    }

    private static @Nullable Map<String, Double> biasByName(@Nullable Map<Integer, Double> bias) {
        if (bias == null) {
            return null;
        }
        Map<String, Double> out = new TreeMap<>();
        bias.forEach((token, value) -> out.put(token.toString(), value));
        return out;
    }
}
