package io.millrace.schemas;

import io.millrace.schemas.avro.ChoiceRecord;
import io.millrace.schemas.avro.CompletionRecord;
import io.millrace.schemas.avro.ProvenanceRecord;
import io.millrace.schemas.avro.TokenLogprobRecord;
import io.millrace.schemas.avro.TopLogprobRecord;
import io.millrace.schemas.avro.UsageRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads and writes completions as Avro ({@code completion.avsc}, single-object encoding). Any thread. */
public final class CompletionAvro {
    private static final AvroCodec<CompletionRecord> CODEC =
            new AvroCodec<>(CompletionRecord.getClassSchema(), "completion-1.avsc");

    private CompletionAvro() {}

    /** Encodes a completion of any form; the form itself has no place in Avro. */
    public static byte[] encode(Completion completion) {
        CompletionRecord out = new CompletionRecord();
        out.setId(completion.id());
        out.setCustomId(completion.customId());
        out.setCreated(completion.created());
        out.setModel(completion.model());
        out.setChoices(
                completion.choices().stream().map(CompletionAvro::choiceRecord).toList());
        Completion.Usage usage = completion.usage();
        out.setUsage(new UsageRecord(
                usage.promptTokens(), usage.completionTokens(), usage.cachedTokens(), usage.reasoningTokens()));
        out.setPromptTokenIds(AvroInts.toList(completion.promptTokenIds()));
        out.setUser(completion.user());
        out.setMetadata(new TreeMap<>(completion.metadata())); // one order, so that equal completions are equal bytes
        out.setProvenance(provenanceRecord(completion.provenance()));
        out.setResults(completion.results().stream().map(ResultAvro::write).toList());
        return CODEC.encode(out);
    }

    private static ChoiceRecord choiceRecord(Completion.Choice choice) {
        List<Completion.TokenLogprob> logprobs = choice.logprobs();
        return new ChoiceRecord(
                choice.index(),
                choice.content(),
                choice.reasoningContent(),
                choice.text(),
                choice.finishReason(),
                logprobs == null
                        ? null
                        : logprobs.stream().map(CompletionAvro::tokenRecord).toList(),
                AvroInts.toList(choice.tokenIds()));
    }

    private static TokenLogprobRecord tokenRecord(Completion.TokenLogprob t) {
        List<TopLogprobRecord> top = t.topLogprobs().stream()
                .map(each -> new TopLogprobRecord(
                        each.token(), each.tokenId(), each.logprob(), ByteBuffer.wrap(each.bytes())))
                .toList();
        return new TokenLogprobRecord(t.token(), t.tokenId(), t.logprob(), ByteBuffer.wrap(t.bytes()), top);
    }

    private static ProvenanceRecord provenanceRecord(Completion.Provenance p) {
        return new ProvenanceRecord(
                p.modelHash(),
                p.engineVersion(),
                p.backend(),
                p.plan(),
                p.seed(),
                SamplingJson.toText(p.sampling()),
                finiteOrNull(p.ttftMs()),
                finiteOrNull(p.totalMs()),
                p.draftTokens(),
                p.acceptedTokens(),
                p.resumed(),
                p.source());
    }

    private static @Nullable Double finiteOrNull(double value) {
        return Double.isFinite(value) ? value : null;
    }

    /**
     * Decodes a completion; its metadata are in the order of their keys, because Avro's maps have none.
     *
     * @param value [bytes]
     * @throws WireException if it is none
     */
    public static Completion decode(byte @Nullable [] value) throws WireException {
        CompletionRecord in = CODEC.decode(WireText.checkSize(value, WireLimits.ofRequestBytes(Integer.MAX_VALUE)));
        List<Completion.Choice> choices = new ArrayList<>();
        for (ChoiceRecord choice : in.getChoices()) {
            choices.add(choice(choice));
        }
        UsageRecord usage = in.getUsage();
        return new Completion(
                Prompt.Form.AVRO,
                in.getId(),
                in.getCustomId(),
                in.getCreated(),
                in.getModel(),
                List.copyOf(choices),
                in.getResults().stream().map(ResultAvro::read).toList(),
                new Completion.Usage(
                        usage.getPromptTokens(),
                        usage.getCompletionTokens(),
                        usage.getCachedTokens(),
                        usage.getReasoningTokens()),
                AvroInts.toArray(in.getPromptTokenIds()),
                null,
                in.getUser(),
                PromptDraft.frozen(new TreeMap<>(in.getMetadata())),
                provenance(in.getProvenance()));
    }

    private static Completion.Choice choice(ChoiceRecord in) {
        return new Completion.Choice(
                in.getIndex(),
                in.getContent(),
                in.getReasoningContent(),
                in.getText(),
                in.getFinishReason(),
                AvroInts.toArray(in.getTokenIds()),
                in.getLogprobs() == null
                        ? null
                        : in.getLogprobs().stream().map(CompletionAvro::token).toList());
    }

    private static Completion.TokenLogprob token(TokenLogprobRecord in) {
        List<Completion.TopLogprob> top = in.getTopLogprobs().stream()
                .map(each -> new Completion.TopLogprob(
                        each.getToken(), each.getTokenId(), bytes(each.getBytes()), each.getLogprob()))
                .toList();
        return new Completion.TokenLogprob(in.getToken(), in.getTokenId(), bytes(in.getBytes()), in.getLogprob(), top);
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] out = new byte[buffer.remaining()];
        buffer.duplicate().get(out);
        return out;
    }

    private static Completion.Provenance provenance(ProvenanceRecord in) throws WireException {
        return new Completion.Provenance(
                in.getModelHash(),
                in.getEngineVersion(),
                in.getBackend(),
                in.getPlan(),
                in.getSeed(),
                SamplingJson.ofText(in.getSampling()),
                in.getTtftMs() == null ? Double.NaN : in.getTtftMs(),
                in.getTotalMs() == null ? Double.NaN : in.getTotalMs(),
                in.getDraftTokens(),
                in.getAcceptedTokens(),
                in.getResumed(),
                in.getSource());
    }
}
