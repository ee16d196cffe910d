package io.millrace.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The committed fatbin is what the sources give: needs neither nvcc nor a GPU. */
class ImageManifestTest {
    private static final String REBUILD = "run build/cuda-image.sh (nvcc 13) and commit both resources";

    private final String manifest = new String(CudaImage.resource(CudaImage.MANIFEST), StandardCharsets.UTF_8);

    private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private List<String> matches(String pattern) {
        List<String> found = new ArrayList<>();
        for (Matcher m = Pattern.compile(pattern).matcher(manifest); m.find(); ) {
            found.add(m.group(1));
        }
        return found;
    }

    @Test
    void sourcesAreThoseOfTheImage() throws IOException, NoSuchAlgorithmException {
        List<String> expected = new ArrayList<>();
        for (String source : EmulatedDriver.sources("src/main/cuda", ".cu", ".cuh")) {
            Path path = Path.of(source);
            expected.add("\"" + path.getFileName() + "\": \"" + sha256(Files.readAllBytes(path)) + "\"");
        }
        assertThat(matches("(\"\\w+\\.cuh?\": \"[0-9a-f]{64}\")"))
                .as(REBUILD)
                .containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void imageIsTheOneThatWasBuilt() throws NoSuchAlgorithmException {
        assertThat(matches("\"fatbin\": \"([0-9a-f]{64})\""))
                .as(REBUILD)
                .containsExactly(sha256(CudaImage.resource(CudaImage.FATBIN)));
        assertThat(manifest).contains("sm_90a").contains("\"nvcc\": \"13.");
    }

    @Test
    void noKernelSpillsAndEachHasItsParameters() {
        assertThat(matches(
                        "\"(\\w+)\": \\{\"paramBytes\": [1-9]\\d*, \"registers\": [1-9]\\d*, \"spilledBytes\": 0\\}"))
                .containsExactlyElementsOf(CudaImage.paramBytes(manifest).keySet())
                .contains("embed", "rms_norm", "quantize", "route", "route_pairs", "combine", "sample");
    }

    @Test
    void conversionsAreTheHardwares() {
        assertThat(manifest).contains("\"cvt.rn.satfinite.e4m3x2.f32\"").contains("\"cvt.rn.bf16.f32\"");
    }
}
