package io.millrace.bench;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaFieldAccess;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The arrows between packages and what is forbidden everywhere. Module arrows are Maven's; nothing here is frozen. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.millrace");

    @Test
    void seesTheWholeTree() {
        assertThat(CLASSES.size()).isGreaterThan(150);
        assertThat(CLASSES.contain("io.millrace.job.MillraceJob")).isTrue();
        assertThat(CLASSES.contain("io.millrace.kernels.cpu.simd.VectorLanes")).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "io.millrace.schemas.., io.millrace.kernels..|io.millrace.engine..|io.millrace.operators..|io.millrace.job..",
        "io.millrace.kernels.., io.millrace.schemas..|io.millrace.engine..|io.millrace.operators..|io.millrace.job..",
        "io.millrace.engine.., io.millrace.schemas..|io.millrace.operators..|io.millrace.job..|org.apache..",
        "io.millrace.kernels.., org.apache..|com.fasterxml..",
        "io.millrace.schemas.., org.apache.flink..|org.apache.kafka..",
        "io.millrace.operators.., io.millrace.job..|org.apache.kafka..",
    })
    void arrowsPointOneWay(String from, String forbidden) {
        noClasses()
                .that()
                .resideInAPackage(from)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(forbidden.split("\\|"))
                .check(CLASSES);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "io.millrace.kernels.(*)..",
                "io.millrace.engine.(*)..",
                "io.millrace.job.(*)..",
                "io.millrace.(*).."
            })
    void packagesHaveNoCycles(String pattern) {
        slices().matching(pattern)
                .should()
                .beFreeOfCycles()
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @ParameterizedTest
    @CsvSource({"io.millrace.kernels.cpu.simd, jdk.incubator.vector..", "io.millrace.kernels.cuda, jcuda.."})
    void oneImporterEach(String importer, String imported) {
        noClasses()
                .that()
                .resideOutsideOfPackage(importer)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(imported)
                .check(CLASSES);
    }

    @Test
    void noReductionWithoutAnOrder() {
        noClasses()
                .should()
                .callMethodWhere(describe(
                        "a float reduceLanes (its order is not fixed)",
                        (JavaMethodCall c) -> c.getTarget().getName().equals("reduceLanes")
                                && c.getTargetOwner().getName().startsWith("jdk.incubator.vector.Float")))
                .check(CLASSES);
    }

    @Test
    void noHiddenClockNorRandomNorJavaSerialisation() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.millrace.job.cli..", "io.millrace.bench..")
                .should()
                .callMethodWhere(describe(
                        "System.currentTimeMillis",
                        (JavaMethodCall c) -> c.getTarget().getName().equals("currentTimeMillis")))
                .check(CLASSES);
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.Random")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.io.ObjectInputStream")
                .check(CLASSES);
    }

    @Test
    void onlyTheCommandLinePrints() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.millrace.job.cli..", "io.millrace.bench..")
                .should()
                .accessFieldWhere(describe(
                        "System.out or System.err",
                        (JavaFieldAccess a) -> a.getTargetOwner().getName().equals("java.lang.System")
                                && (a.getName().equals("out") || a.getName().equals("err"))))
                .check(CLASSES);
    }
}
