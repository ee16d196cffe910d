package io.millrace.kernels.cuda;

import io.millrace.kernels.DeviceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/** The kernels, compiled ahead of time by build/cuda-image.sh: a fatbin and its manifest, both resources. Thread: the rank's. */
final class CudaImage implements AutoCloseable {
    static final String FATBIN = "/millrace-cuda.fatbin";
    static final String MANIFEST = "/millrace-cuda.json";

    private static final Pattern KERNEL = Pattern.compile("\"(\\w+)\": \\{\"paramBytes\": (\\d+)");

    private final CUmodule module = new CUmodule();
    private final CudaQueue queue;
    private final Map<String, Integer> paramBytes;

    /** Loads the image into the current context; launches go to the stream. */
    CudaImage(CudaQueue queue) {
        this.queue = queue;
        paramBytes = paramBytes(new String(resource(MANIFEST), StandardCharsets.UTF_8));
        int result = JCudaDriver.cuModuleLoadData(module, resource(FATBIN));
        if (!Cu.isOk(result)) {
            throw new DeviceException(
                    "the kernels of this build are for compute capability 9.0 (H100, H200) and don't load here: "
                            + Cu.nameOf(result) + ": use such a device or --backend cpu");
        }
    }

    /** Returns the bytes of each kernel's parameters. */
    static Map<String, Integer> paramBytes(String manifest) {
        Map<String, Integer> result = new TreeMap<>();
        for (Matcher m = KERNEL.matcher(manifest); m.find(); ) {
            result.put(m.group(1), Integer.valueOf(m.group(2)));
        }
        return result;
    }

    static byte[] resource(String name) {
        try (InputStream in = CudaImage.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new DeviceException("resource " + name + " is missing: build it with build/cuda-image.sh");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new DeviceException("resource " + name + " can't be read: " + e.getMessage(), e);
        }
    }

    /** Returns a new launch block of the kernel. */
    LaunchBlock kernel(String name) {
        return kernel(name, 0);
    }

    /** Returns a new launch block of a kernel whose blocks take so much dynamic shared memory. */
    LaunchBlock kernel(String name, int sharedBytes) {
        Integer bytes = paramBytes.get(name);
        if (bytes == null) {
            throw new IllegalStateException("no kernel " + name + " in the image, it has " + paramBytes.keySet());
        }
        CUfunction function = new CUfunction();
        Cu.check(JCudaDriver.cuModuleGetFunction(function, module, name), "cuModuleGetFunction of " + name);
        if (sharedBytes > 0) { // beyond 48 KiB a kernel has to ask
            Cu.check(
                    JCudaDriver.cuFuncSetAttribute(
                            function,
                            CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                            sharedBytes),
                    "cuFuncSetAttribute: " + sharedBytes + " bytes of shared memory for " + name);
        }
        return new LaunchBlock(name, bytes, sharedBytes, function, queue);
    }

    @Override
    public void close() {
        Cu.check(JCudaDriver.cuModuleUnload(module), "cuModuleUnload");
    }
}
