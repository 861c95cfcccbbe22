package dev.kvstore.torture;

import dev.kvstore.KvStore;
import dev.kvstore.WriteBatch;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Writers whose store breaks a promise now and then.
final class LyingWriters {
  private static final int EVERY = 40;

  private LyingWriters() {}

  /// What a store does in the place of a call; null: what it should.
  private interface Lie {
    @Nullable Answer instead(KvStore store, String method, Object[] arguments);
  }

  private record Answer(Object value) {}

  private static void run(String[] arguments, String method, Lie lie) throws Exception {
    AtomicInteger calls = new AtomicInteger();
    Writer.run(
        arguments,
        (directory, options) -> {
          KvStore store = KvStore.open(directory, options);
          return (KvStore)
              Proxy.newProxyInstance(
                  KvStore.class.getClassLoader(),
                  new Class<?>[] {KvStore.class},
                  (proxy, called, values) -> {
                    if (called.getName().equals(method) && calls.incrementAndGet() % EVERY == 0) {
                      Answer answer = lie.instead(store, method, values);
                      if (answer != null) {
                        return answer.value();
                      }
                    }
                    return honest(store, called, values);
                  });
        });
  }

  private static Object honest(KvStore store, Method called, Object[] values) throws Throwable {
    try {
      return called.invoke(store, values);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /// Acknowledges puts that it does not make.
  static final class LosesPuts {
    private LosesPuts() {}

    public static void main(String[] arguments) throws Exception {
      run(arguments, "put", (store, method, values) -> new Answer(store.lastSequence()));
    }
  }

  /// Acknowledges deletes that it does not make.
  static final class KeepsDeleted {
    private KeepsDeleted() {}

    public static void main(String[] arguments) throws Exception {
      run(arguments, "delete", (store, method, values) -> new Answer(true));
    }
  }

  /// Writes one change of a batch and dies; the rest was never written.
  static final class TearsBatches {
    private TearsBatches() {}

    public static void main(String[] arguments) throws Exception {
      run(
          arguments,
          "write",
          (store, method, values) -> {
            WriteBatch batch = (WriteBatch) values[0];
            var first = batch.mutations().getFirst();
            store.delete(first.key());
            store.put(first.key(), new byte[] {1});
            Runtime.getRuntime().halt(128 + 9);
            return null;
          });
    }
  }

  /// Throws what no store may throw.
  static final class Breaks {
    private Breaks() {}

    public static void main(String[] arguments) throws Exception {
      run(
          arguments,
          "put",
          (store, method, values) -> {
            throw new IllegalStateException("broken on purpose");
          });
    }
  }
}
