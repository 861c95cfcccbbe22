package dev.kvstore.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.AsyncKvStore;
import dev.kvstore.KvStore;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PublicCallsTest {
  @Test
  void noCallIsMissing(@TempDir Path directory) {
    Set<String> names = new TreeSet<>();
    for (Method method : KvStore.class.getMethods()) {
      if (!Modifier.isStatic(method.getModifiers())) {
        names.add(method.getName());
      }
    }
    Arrays.stream(AsyncKvStore.class.getMethods())
        .filter(method -> !Modifier.isStatic(method.getModifiers()))
        .forEach(method -> names.add("async." + method.getName()));
    names.remove("close");
    try (KvStore store = KvStore.open(directory)) {
      assertThat(new PublicCalls(store, "").byName().keySet())
          .containsExactlyInAnyOrderElementsOf(names);
    }
  }
}
