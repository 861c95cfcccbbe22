package dev.kvstore.cli;

import java.util.ArrayDeque;
import java.util.Deque;

/// Ctrl-C and its relatives (SIGTERM, SIGHUP) for verbs that have something to bring in order.
///
/// An action runs on another thread while the verb's own may be blocked in a read, so it must do by
/// itself whatever has to be done. Verbs that have nothing to bring in order register nothing and
/// just die, which the store survives by design.
final class Interrupts {
  /// Until closed, the action is run when the command is interrupted.
  interface Registration extends AutoCloseable {
    @Override
    void close();
  }

  private final boolean ofProcess;

  // Guarded by this.
  private final Deque<Runnable> actions = new ArrayDeque<>();
  private boolean hooked;

  private volatile boolean fired;

  Interrupts() {
    this(false);
  }

  private Interrupts(boolean ofProcess) {
    this.ofProcess = ofProcess;
  }

  /// Those of this process. The exit code is the JVM's: 128 and the number of the signal.
  static Interrupts ofProcess() {
    return new Interrupts(true);
  }

  /// Runs an action when the command is interrupted; the latest registered first.
  synchronized Registration onInterrupt(Runnable action) {
    if (ofProcess && !hooked) {
      hooked = true;
      Runtime.getRuntime().addShutdownHook(new Thread(this::fire, "kvstore-interrupt"));
    }
    actions.push(action);
    return () -> remove(action);
  }

  /// Whether the command was interrupted while an action was registered.
  boolean fired() {
    return fired;
  }

  /// Interrupts the command. Also runs when the JVM ends of itself; nothing is registered by then.
  void fire() {
    while (true) {
      Runnable action;
      synchronized (this) {
        action = actions.poll();
      }
      if (action == null) {
        return;
      }
      fired = true;
      action.run();
    }
  }

  private synchronized void remove(Runnable action) {
    actions.remove(action);
  }
}
