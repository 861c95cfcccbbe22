package dev.kvstore.segment;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvstore.StoreIoException;
import dev.kvstore.io.FileHandle;
import java.io.IOException;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;

class ForceBehindTest {
  private static final long MUCH = 64L << 20;

  /// A file whose forces all throw this.
  private static FileHandle failing(Throwable failure) {
    return (FileHandle)
        Proxy.newProxyInstance(
            FileHandle.class.getClassLoader(),
            new Class<?>[] {FileHandle.class},
            (proxy, method, arguments) -> {
              throw failure;
            });
  }

  @Test
  void whatAForceHasThrownIsThrownAsItIs() {
    for (Throwable failure :
        new Throwable[] {
          new OutOfMemoryError("no thread"),
          new StoreIoException("a disk that fails", new IOException()),
          new IllegalStateException()
        }) {
      ForceBehind forcing = new ForceBehind(failing(failure), Runnable::run);
      forcing.written(MUCH);
      assertThatThrownBy(forcing::forceAll).isSameAs(failure);
      forcing.await();
    }
  }
}
