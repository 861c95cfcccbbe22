package dev.kvstore;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/// Dependencies point one way. Each rule names what its package may import of ours; the root package
/// is vocabulary, so everybody may import that.
@AnalyzeClasses(packages = "dev.kvstore", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  private static final String ROOT = "dev.kvstore";

  /// The classes of the root package that open the engine; the rest of it imports nobody.
  private static final String DOORS = "dev\\.kvstore\\.(KvStore|StoreInspector)(\\$.*)?";

  /// Whatever reaches a file without asking `io`.
  private static final String FILE_ACCESS =
      "java\\.nio\\.file\\.Files"
          + "|java\\.nio\\.channels\\.(Asynchronous)?File(Channel|Lock)(\\$.*)?"
          + "|java\\.io\\.(File|FileDescriptor|RandomAccessFile)"
          + "|java\\.io\\.File(InputStream|OutputStream|Reader|Writer)";

  @ArchTest
  static final ArchRule theRootImportsNobody =
      classes()
          .that(resideInAPackage(ROOT).and(not(nameMatching(DOORS))))
          .should()
          .onlyDependOnClassesThat(areForeignOr(ROOT))
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule theDoorsOpenTheEngineAlone =
      classes()
          .that(resideInAPackage(ROOT).and(nameMatching(DOORS)))
          .should()
          .onlyDependOnClassesThat(areForeignOr(ROOT, "dev.kvstore.engine.."))
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule engineImportsTheLayersBelow =
      mayImport("engine", "mvcc", "index", "segment", "io");

  @ArchTest static final ArchRule segmentImportsIo = mayImport("segment", "io");

  @ArchTest static final ArchRule codecImportsTheJdk = mayImport("codec");

  @ArchTest static final ArchRule mvccImportsTheJdk = mayImport("mvcc");

  @ArchTest static final ArchRule indexImportsTheJdk = mayImport("index");

  @ArchTest static final ArchRule ioImportsTheJdk = mayImport("io");

  @ArchTest
  static final ArchRule onlyIoTouchesFiles =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.kvstore.io..")
          .should()
          .dependOnClassesThat(nameMatching(FILE_ACCESS))
          .allowEmptyShould(true);

  private static ArchRule mayImport(String importer, String... imported) {
    var allowed = new String[imported.length + 2];
    allowed[0] = ROOT;
    allowed[1] = "dev.kvstore." + importer + "..";
    for (int i = 0; i < imported.length; i++) {
      allowed[i + 2] = "dev.kvstore." + imported[i] + "..";
    }
    return classes()
        .that()
        .resideInAPackage("dev.kvstore." + importer + "..")
        .should()
        .onlyDependOnClassesThat(areForeignOr(allowed))
        .allowEmptyShould(true);
  }

  private static DescribedPredicate<JavaClass> areForeignOr(String... ours) {
    return not(resideInAPackage("dev.kvstore..")).or(resideInAnyPackage(ours));
  }
}
