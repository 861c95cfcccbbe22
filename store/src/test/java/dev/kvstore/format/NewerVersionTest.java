package dev.kvstore.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreVersionException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A file of a format version that this release does not know: refused with both numbers told and
/// nothing touched, if it cannot be rebuilt; else ignored.
class NewerVersionTest {
  private static final int VERSION_AT = 10;

  @TempDir private Path temporary;

  private Path directory;
  private Map<String, byte[]> files;

  @BeforeEach
  void makeStore() {
    directory = temporary.resolve("store");
    StoreFiles.write(directory);
    files = StoreFiles.read(directory);
  }

  /// The files, those whose name ends so being of another version.
  private Map<String, byte[]> ofVersion(String suffix, int version) {
    Map<String, byte[]> changed = new TreeMap<>();
    files.forEach((name, bytes) -> {
      byte[] copy = bytes.clone();
      if (name.endsWith(suffix)) {
        assertThat(copy[VERSION_AT]).isEqualTo((byte) 1);
        copy[VERSION_AT] = (byte) version;
        copy[VERSION_AT + 1] = (byte) (version >>> 8);
      }
      changed.put(name, copy);
    });
    return changed;
  }

  private void assertRefused(Map<String, byte[]> changed, int version, Options options) {
    StoreFiles.put(directory, changed);
    assertThatExceptionOfType(StoreVersionException.class)
        .isThrownBy(() -> KvStore.open(directory, options))
        .withMessageContaining("version " + version)
        .withMessageContaining("reads version 1")
        .matches(e -> e.found() == version && e.oldest() == 1 && e.newest() == 1);
    assertThat(StoreFiles.read(directory)).usingRecursiveComparison().isEqualTo(changed);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, 3, 256, 65_535})
  void manifestOfAnotherVersionIsRefused(int version) {
    assertRefused(ofVersion("MANIFEST", version), version, StoreFiles.OPTIONS);
    assertRefused(
        ofVersion("MANIFEST", version), version, Options.builder().readOnly(true).build());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, 3, 256, 65_535})
  void segmentOfAnotherVersionIsRefused(int version) {
    for (String name : files.keySet()) {
      if (name.endsWith(".seg")) {
        assertRefused(ofVersion(name, version), version, StoreFiles.OPTIONS);
        assertRefused(
            ofVersion(name, version),
            version,
            StoreFiles.OPTIONS.toBuilder()
                .damagePolicy(dev.kvstore.DamagePolicy.SERVE_REST)
                .build());
      }
    }
  }

  @Test
  void hintsAndImageOfAnotherVersionAreRebuilt() {
    Map<String, byte[]> changed = ofVersion(".hint", 2);
    changed.put("INDEX", ofVersion("INDEX", 2).get("INDEX"));
    StoreFiles.put(directory, changed);
    try (KvStore store = KvStore.open(directory, StoreFiles.OPTIONS)) {
      assertThat(StoreFiles.contentsOf(store)).isEqualTo(StoreFiles.contents());
      assertThat(store.recovery().filesIgnored())
          .anySatisfy(file -> assertThat(file).startsWith("INDEX").contains("version 2"))
          .anySatisfy(file -> assertThat(file).contains(".hint").contains("version 2"));
      store.put("a", "b"); // so that the close writes a new image
    }
    try (KvStore store = KvStore.open(directory, StoreFiles.OPTIONS)) {
      assertThat(store.recovery().filesIgnored()).isEmpty();
    }
  }
}
