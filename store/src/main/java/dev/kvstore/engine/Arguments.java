package dev.kvstore.engine;

import dev.kvstore.KvStore;
import dev.kvstore.StoreKeyException;
import dev.kvstore.StoreTooLargeException;
import java.util.Objects;

/// Checks what comes in, before anything is locked or allocated.
final class Arguments {
  private Arguments() {}

  static void checkKey(byte[] key) {
    Objects.requireNonNull(key, "key");
    if (key.length == 0) {
      throw new StoreKeyException(
          "the key is empty; a key has 1 to " + KvStore.KEY_BYTES_MAX + " bytes");
    }
    if (key.length > KvStore.KEY_BYTES_MAX) {
      throw new StoreTooLargeException("a key", key.length, KvStore.KEY_BYTES_MAX);
    }
  }

  static void checkValue(byte[] value) {
    Objects.requireNonNull(value, "value");
    if (value.length > KvStore.VALUE_BYTES_MAX) {
      throw new StoreTooLargeException("a value", value.length, KvStore.VALUE_BYTES_MAX);
    }
  }
}
