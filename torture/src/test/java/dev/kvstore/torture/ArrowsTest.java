package dev.kvstore.torture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/// What kills the store knows of it what a user knows.
@AnalyzeClasses(packages = "dev.kvstore", importOptions = ImportOption.DoNotIncludeTests.class)
class ArrowsTest {
  @ArchTest
  static final ArchRule tortureUsesThePublicWordsAlone =
      classes()
          .that()
          .resideInAPackage("dev.kvstore.torture..")
          .should()
          .onlyDependOnClassesThat(
              not(resideInAPackage("dev.kvstore.."))
                  .or(resideInAnyPackage("dev.kvstore", "dev.kvstore.torture..")));

  @ArchTest
  static final ArchRule theStoreDoesNotKnowIt =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.kvstore.torture..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.kvstore.torture..");
}
