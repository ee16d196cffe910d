package io.millrace.job.dataset;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.xerial.snappy.Snappy;

/**
 * The codecs of Parquet pages, without Hadoop's: reads uncompressed, Snappy, Zstandard and gzip pages, writes Zstandard. Any thread.
 */
public final class ParquetCodecs implements CompressionCodecFactory {
    @Override
    public BytesInputCompressor getCompressor(CompressionCodecName codec) {
        if (codec != CompressionCodecName.ZSTD && codec != CompressionCodecName.UNCOMPRESSED) {
            throw new IllegalArgumentException("pages are written with ZSTD or UNCOMPRESSED, not " + codec);
        }
        return new BytesInputCompressor() {
            @Override
            public BytesInput compress(BytesInput page) throws IOException {
                return codec == CompressionCodecName.ZSTD ? BytesInput.from(Zstd.compress(page.toByteArray())) : page;
            }

            @Override
            public CompressionCodecName getCodecName() {
                return codec;
            }

            @Override
            public void release() {}
        };
    }

    @Override
    public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
        return new BytesInputDecompressor() {
            @Override
            public BytesInput decompress(BytesInput page, int decompressedBytes) throws IOException {
                return codec == CompressionCodecName.UNCOMPRESSED
                        ? page
                        : BytesInput.from(expand(codec, page.toByteArray(), decompressedBytes));
            }

            @Override
            public void decompress(ByteBuffer page, int numBytes, ByteBuffer out, int decompressedBytes)
                    throws IOException {
                byte[] bytes = new byte[numBytes];
                page.get(bytes);
                out.put(codec == CompressionCodecName.UNCOMPRESSED ? bytes : expand(codec, bytes, decompressedBytes));
            }

            @Override
            public void release() {}
        };
    }

    /** Expands a page; returns {@code decompressedBytes} bytes. */
    private static byte[] expand(CompressionCodecName codec, byte[] page, int decompressedBytes) throws IOException {
        return switch (codec) {
            case SNAPPY -> Snappy.uncompress(page);
            case ZSTD -> Zstd.decompress(page, decompressedBytes);
            case GZIP -> {
                try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(page))) {
                    yield in.readNBytes(decompressedBytes);
                }
            }
            default ->
                throw new IOException("pages are compressed with " + codec
                        + ", which isn't read: write the file with ZSTD, SNAPPY, GZIP or UNCOMPRESSED");
        };
    }

    @Override
    public void release() {}
}
