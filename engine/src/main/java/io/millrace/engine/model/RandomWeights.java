package io.millrace.engine.model;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.engine.ConfigException;
import io.millrace.kernels.DType;
import io.millrace.kernels.LinearFormat;
import io.millrace.kernels.numeric.Bf16;
import io.millrace.kernels.numeric.E4m3;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * Writes a checkpoint with random weights for any config: benchmarks and tests need shapes, not knowledge. Same config and seed,
 * same bytes. Streams: memory doesn't grow with the model. Thread: one.
 *
 * <p>Weights are about normal with variance 1 / inputs, so activations stay around 1; block scales vary by ± half, norms by a
 * tenth and the router's bias isn't zero, so that no feature can be left out unnoticed.
 */
public final class RandomWeights {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int PIECE_BYTES = 1 << 16;
    private static final double LOGISTIC_DEVIATION = Math.PI / Math.sqrt(3);
    /** What a code of {@link #CODES} stands for, in standard deviations, is multiplied by this; the largest comes to 433. */
    private static final double CODE_SCALE = 125;
    /** Mantissa of the scales of V3.1's o_proj. */
    private static final float ODD_MANTISSA = 1.3228756f;
    /** Random byte → e4m3 code, so that the codes are spread about normally. Never NaN. */
    private static final byte[] CODES = new byte[256];

    static {
        for (int i = 0; i < 256; i++) {
            double u = (i + 0.5) / 256;
            double deviations = StrictMath.log(u / (1 - u)) / LOGISTIC_DEVIATION;
            CODES[i] = E4m3.encode((float) (deviations * CODE_SCALE));
        }
    }

    private final ModelConfig config;
    private final Path folder;
    private final ByteProgress progress;
    private final SplittableRandom root;
    private final byte[] piece = new byte[PIECE_BYTES];
    /** The e4m3 weight written last: the scales that follow are its. */
    private TensorSpec lastWeight = new TensorSpec("none", DType.E4M3, 1, 1);

    private RandomWeights(ModelConfig config, Path folder, long seed, ByteProgress progress) {
        this.config = config;
        this.folder = folder;
        this.progress = progress;
        root = new SplittableRandom(seed);
    }

    /**
     * Writes config.json, safetensors shards and their index; no tokenizer.
     *
     * @param folder made if missing; must be empty
     * @param configJson a config.json, kept as it is
     * @param shardBytes bytes of tensors in a shard, about; ≥ 1
     * @throws ConfigException if the config is refused or the folder isn't empty
     */
    public static void write(Path folder, String configJson, long seed, long shardBytes, ProgressListener listener) {
        byte[] json = configJson.getBytes(StandardCharsets.UTF_8);
        ModelConfig config = ModelConfig.of(JsonFile.parse("config.json", json));
        List<TensorSpec> specs = new ArrayList<>(ModelTensors.main(config));
        specs.addAll(ModelTensors.mtp(config));
        long bytes = specs.stream().mapToLong(TensorSpec::sizeBytes).sum();
        try {
            Files.createDirectories(folder);
            try (Stream<Path> present = Files.list(folder)) {
                if (present.findAny().isPresent()) {
                    throw new ConfigException(folder + " isn't empty: give a new folder for the model");
                }
            }
            new RandomWeights(config, folder, seed, new ByteProgress(bytes, listener)).write(specs, shardBytes);
            Files.write(folder.resolve("config.json"), json);
        } catch (IOException e) {
            throw new ConfigException(folder + " can't be written: " + e, e);
        }
    }

    private void write(List<TensorSpec> specs, long shardBytes) throws IOException {
        List<List<TensorSpec>> shards = new ArrayList<>();
        long inShard = Long.MAX_VALUE;
        for (TensorSpec spec : specs) {
            if (inShard >= shardBytes) {
                shards.add(new ArrayList<>());
                inShard = 0;
            }
            shards.get(shards.size() - 1).add(spec);
            inShard += spec.sizeBytes();
        }
        try (JsonGenerator index =
                JSON.createGenerator(Files.newOutputStream(folder.resolve("model.safetensors.index.json")))) {
            index.writeStartObject();
            index.writeObjectFieldStart("metadata");
            index.writeNumberField(
                    "total_size",
                    specs.stream().mapToLong(TensorSpec::sizeBytes).sum());
            index.writeEndObject();
            index.writeObjectFieldStart("weight_map");
            for (int i = 0; i < shards.size(); i++) {
                String fileName = String.format(Locale.ROOT, "model-%05d-of-%06d.safetensors", i + 1, shards.size());
                writeShard(folder.resolve(fileName), shards.get(i));
                for (TensorSpec spec : shards.get(i)) {
                    index.writeStringField(spec.name(), fileName);
                }
            }
            index.writeEndObject();
            index.writeEndObject();
        }
    }

    private void writeShard(Path file, List<TensorSpec> specs) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), PIECE_BYTES)) {
            byte[] header = header(specs);
            out.write(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(header.length)
                    .array());
            out.write(header);
            for (TensorSpec spec : specs) {
                writeTensor(out, spec, root.split());
                progress.add(spec.sizeBytes());
            }
        }
    }

    /** Returns the JSON header, padded with spaces so that the data starts at a multiple of 8. */
    private static byte[] header(List<TensorSpec> specs) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            long begin = 0;
            for (TensorSpec spec : specs) {
                json.writeObjectFieldStart(spec.name());
                json.writeStringField(
                        "dtype",
                        spec.dtype() == DType.E4M3 ? "F8_E4M3" : spec.dtype().name());
                json.writeArrayFieldStart("shape");
                for (long axis : spec.shape()) {
                    json.writeNumber(axis);
                }
                json.writeEndArray();
                json.writeArrayFieldStart("data_offsets");
                json.writeNumber(begin);
                begin += spec.sizeBytes();
                json.writeNumber(begin);
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        while (bytes.size() % 8 != 0) {
            bytes.write(' ');
        }
        return bytes.toByteArray();
    }

    private void writeTensor(OutputStream out, TensorSpec spec, SplittableRandom random) throws IOException {
        switch (spec.dtype()) {
            case E4M3 -> {
                lastWeight = spec;
                writeCodes(out, spec, random);
            }
            case F32 -> {
                for (long i = 0; i < spec.numElements(); i++) {
                    int bits = Float.floatToRawIntBits(spec.isScale() ? scale(random) : spread(random, 0, 0.05));
                    for (int shift = 0; shift < 32; shift += 8) {
                        out.write(bits >> shift);
                    }
                }
            }
            default -> {
                double mean = spec.cols() == 0 ? 1 : 0; // norms
                double deviation = spec.cols() == 0 ? 0.1 : deviation(spec);
                for (long i = 0; i < spec.numElements(); i++) {
                    short bits = Bf16.fromFloat(spread(random, mean, deviation));
                    out.write(bits);
                    out.write(bits >> 8);
                }
            }
        }
    }

    private void writeCodes(OutputStream out, TensorSpec spec, SplittableRandom random) throws IOException {
        for (long left = spec.numElements(); left > 0; left -= PIECE_BYTES) {
            int count = (int) Math.min(left, PIECE_BYTES);
            random.nextBytes(piece);
            for (int i = 0; i < count; i++) {
                piece[i] = CODES[piece[i] & 0xFF];
            }
            out.write(piece, 0, count);
        }
    }

    /**
     * Returns a block scale that makes the weights' deviation {@link #deviation}, give or take half of it. With {@code ue8m0} a power of two,
     * in o_proj times a number that isn't: as V3.1 is published.
     */
    private float scale(SplittableRandom random) {
        float scale = (float) (deviation(lastWeight) / CODE_SCALE * (0.5 + random.nextDouble()));
        if (config.linearFormat() != LinearFormat.E4M3_UE8M0) {
            return scale;
        }
        float power = Math.scalb(1f, Math.getExponent(scale));
        return lastWeight.name().contains("o_proj") ? power * ODD_MANTISSA : power;
    }

    /** Returns a uniform number with that mean and deviation. */
    private static float spread(SplittableRandom random, double mean, double deviation) {
        return (float) (mean + deviation * Math.sqrt(12) * (random.nextDouble() - 0.5));
    }

    /**
     * 1 / √inputs. What adds to the residual is smaller, so that all layers together add about 1; the embedding has 1, the head
     * 3 / √inputs, so that logits differ.
     */
    private double deviation(TensorSpec weight) {
        if (weight.name().equals(ModelTensors.EMBEDDING)) {
            return 1;
        }
        double gain = 1;
        if (weight.name().equals(ModelTensors.HEAD)) {
            gain = 3;
        } else if (weight.name().contains("o_proj") || weight.name().contains("down_proj")) {
            gain = 1 / Math.sqrt(2.0 * config.numHiddenLayers());
        }
        return gain / Math.sqrt(weight.cols());
    }
}
