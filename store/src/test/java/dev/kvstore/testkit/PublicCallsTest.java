package dev.kvstore.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.AsyncKvStore;
import dev.kvstore.KvMap;
import dev.kvstore.KvStore;
import dev.kvstore.StoreInspector;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PublicCallsTest {
  @Test
  void noCallIsMissing(@TempDir Path directory) {
    Set<String> names = names(KvStore.class, "", false);
    names.addAll(names(AsyncKvStore.class, "async.", false));
    names.addAll(names(KvMap.class, "map.", false));
    names.remove("close");
    try (KvStore store = KvStore.open(directory)) {
      assertThat(new PublicCalls(store, "").byName().keySet())
          .containsExactlyInAnyOrderElementsOf(names);
    }
    assertThat(PublicCalls.ofInspector(directory, directory).keySet())
        .containsExactlyInAnyOrderElementsOf(names(StoreInspector.class, "", true));
  }

  private static Set<String> names(Class<?> type, String prefix, boolean ofClass) {
    return Arrays.stream(type.getDeclaredMethods())
        .filter(method -> Modifier.isPublic(method.getModifiers()) && !method.isSynthetic())
        .filter(method -> Modifier.isStatic(method.getModifiers()) == ofClass)
        .map(method -> prefix + method.getName())
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
