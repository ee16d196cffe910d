package io.millrace.schemas;

import static io.millrace.schemas.PromptJsonTest.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Avro finds our records without JVM flags, in the class loaders that a Flink job has: the job's own, asked before its
 * parent, with Avro in the job's jar or in the cluster's lib folder.
 */
class AvroLoaderTest {
    private static List<URL> classPath(boolean isOurs) throws IOException {
        List<URL> out = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (entry.endsWith(".jar") != isOurs) {
                out.add(Path.of(entry).toUri().toURL());
            }
        }
        return out;
    }

    private static void roundTrip(ClassLoader loader) throws Exception {
        Class<?> limits = loader.loadClass(WireLimits.class.getName());
        Class<?> prompt = loader.loadClass(Prompt.class.getName());
        assertThat(prompt).isNotSameAs(Prompt.class);
        Object defaults = limits.getField("DEFAULT").get(null);
        Method fromJson =
                loader.loadClass(PromptJson.class.getName()).getMethod("decode", byte[].class, limits, boolean.class);
        Class<?> codec = loader.loadClass(PromptAvro.class.getName());

        Object decoded = fromJson.invoke(null, utf8(PromptJsonTest.EVERYTHING), defaults, false);
        byte[] avro = (byte[]) codec.getMethod("encode", prompt).invoke(null, decoded);
        Object back = codec.getMethod("decode", byte[].class, limits).invoke(null, avro, defaults);

        assertThat(prompt.getMethod("messages").invoke(back))
                .hasToString(prompt.getMethod("messages").invoke(decoded).toString());
        assertThat(prompt.getMethod("sampling").invoke(back).toString()).contains("maxTokens=1000");
    }

    @Test
    void noFlagTrustsOurRecords() {
        assertThat(System.getProperty("org.apache.avro.SERIALIZABLE_PACKAGES")).isNull();
        assertThat(System.getProperty("org.apache.avro.SERIALIZABLE_CLASSES")).isNull();
    }

    @Test
    void avroInTheJobsJar() throws Exception {
        List<URL> all = classPath(true);
        all.addAll(classPath(false));
        try (URLClassLoader job = new URLClassLoader(all.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())) {
            roundTrip(job);
        }
    }

    @Test
    void avroInTheClustersLib() throws Exception {
        try (URLClassLoader lib =
                        new URLClassLoader(classPath(false).toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
                URLClassLoader job = new URLClassLoader(classPath(true).toArray(new URL[0]), lib)) {
            assertThat(job.loadClass("org.apache.avro.Schema").getClassLoader()).isSameAs(lib);
            roundTrip(job);
        }
    }
}
