package dev.kvstore.index;

/// Keeps interruptions that nobody asked for from the threads of callers.
///
/// When memory is closed while a thread reads it, the JVM throws an error into that thread, which ends
/// as [IllegalStateException], and also sets the thread's status of interruption: to end a wait in which
/// the thread might be. A caller who then sleeps or uses a channel would be interrupted for nothing.
///
/// - Threads: for one.
/// - Limit: an interruption that comes between [#begin] and the moment at which memory turned out to be
///   closed, which is less than a microsecond or two, cannot be told from the other and is lost.
public final class Interruption {
  private boolean before;

  /// An operation that reads begins.
  public void begin() {
    before = Thread.currentThread().isInterrupted();
  }

  /// The operation has met memory that was closed.
  public void collided() {
    collided(before);
  }

  /// The same for an operation that has noted by itself whether the thread was interrupted when it began.
  static void collided(boolean before) {
    if (!before) {
      Thread.interrupted();
    }
  }
}
