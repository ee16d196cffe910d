package io.millrace.job.local;

import io.millrace.engine.ConfigException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a Flink process of a local cluster has on its class path: Flink's own jars (flink-dist isn't on Maven Central) and
 * millrace-lib, but nothing that {@code millrace.jar} brings along, because those classes must come from the job's loader.
 */
final class FlinkClasspath {
    /** Beginnings of the names of jars that the job brings, or that only the broker and the command line use. */
    private static final List<String> NOT_FLINKS = List.of(
            "millrace-operators",
            "millrace-schemas",
            "millrace-job",
            "flink-connector-kafka",
            "flink-connector-base",
            "kafka",
            "avro",
            "prometheus",
            "picocli",
            "json-schema-validator",
            "itu",
            "parquet",
            "hadoop",
            "scala",
            "metrics-core",
            "jackson-dataformat",
            "jackson-datatype");

    private FlinkClasspath() {}

    /** Returns the class path, from the jars beside the one that this class is in, or in an unpacked checkout's job/target/lib. */
    static String of(Path lib) {
        try (Stream<Path> jars = Files.list(lib)) {
            return jars.filter(FlinkClasspath::isFlinks)
                    .map(Path::toString)
                    .sorted()
                    .collect(Collectors.joining(File.pathSeparator));
        } catch (IOException e) {
            throw new ConfigException("no jars in " + lib + ": build them with mvn package", e);
        }
    }

    private static boolean isFlinks(Path jar) {
        String name = jar.getFileName().toString();
        return name.endsWith(".jar") && NOT_FLINKS.stream().noneMatch(name::startsWith);
    }
}
