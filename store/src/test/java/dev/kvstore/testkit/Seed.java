package dev.kvstore.testkit;

import java.lang.StackWalker.StackFrame;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.platform.commons.annotation.Testable;
import org.junit.platform.commons.support.AnnotationSupport;

/// Where the randomness of a test comes from. A failure names the seed and the command that plays it
/// again.
public final class Seed {
  private static final String PROPERTY = "kvstore.seed";

  /// The module of the test in whose method this was made.
  private final String module;

  private final String test;
  private final boolean torture;

  private Seed(String module, String test, boolean torture) {
    this.module = module;
    this.test = test;
    this.torture = torture;
  }

  /// For the test that calls this, to be used in any thread. If no test does, any may be meant.
  public static Seed here() {
    return StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
        .walk(frames -> frames.map(Seed::ofFrame).filter(Objects::nonNull).findFirst())
        .orElseGet(() -> new Seed("store", "*Test", false));
  }

  /// Null if the frame is none of a test's method.
  private static @Nullable Seed ofFrame(StackFrame frame) {
    for (Method method : frame.getDeclaringClass().getDeclaredMethods()) {
      if (method.getName().equals(frame.getMethodName())
          && AnnotationSupport.isAnnotated(method, Testable.class)) {
        return new Seed(
            moduleOf(frame.getDeclaringClass()),
            frame.getDeclaringClass().getSimpleName() + "#" + method.getName(),
            Arrays.stream(method.getAnnotationsByType(Tag.class))
                .anyMatch(tag -> tag.value().equals("torture")));
      }
    }
    return null;
  }

  /// The directory in which `target/test-classes` is.
  private static String moduleOf(Class<?> test) {
    Path classes = Path.of(test.getProtectionDomain().getCodeSource().getLocation().getPath());
    return classes.getParent().getParent().getFileName().toString();
  }

  /// Whether a seed was given, so that one run is enough.
  public static boolean isReplay() {
    return Long.getLong(PROPERTY) != null;
  }

  /// Runs something with randomness that is new each time.
  public static void fresh(Consumer<SplittableRandom> test) {
    here().runFresh(test);
  }

  /// Runs something with the same randomness each time.
  public static void fixed(long seed, Consumer<SplittableRandom> test) {
    here().run(seed, test);
  }

  /// As [#fresh], also from another thread than that of the test.
  public void runFresh(Consumer<SplittableRandom> part) {
    run(System.nanoTime(), part);
  }

  /// As [#fixed].
  public void run(long usual, Consumer<SplittableRandom> part) {
    long seed = Long.getLong(PROPERTY, usual);
    try {
      part.accept(new SplittableRandom(seed));
    } catch (Throwable e) {
      throw new AssertionError(e.getMessage() + "\nplay this again with\n  " + command(seed), e);
    }
  }

  /// What to type to have the same again.
  String command(long seed) {
    return (torture ? "make torture MVN_FLAGS=\"" : "make test MVN_FLAGS=\"-pl " + module + " -am ")
        + "-Dtest="
        + test
        + " -D"
        + PROPERTY
        + "="
        + seed
        + "\"";
  }
}
