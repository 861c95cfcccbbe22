package dev.kvstore.index;

/// When the JVM tells that mapped memory is lost, because its file was cut or the disk cannot read.
///
/// It does so when the thread next comes to a safepoint, or returns from native code: for a loop without
/// one, behind the loop, where the error looks like somebody else's.
public final class LostMemory {
  private static final Object ANYTHING = new Object();

  private LostMemory() {}

  /// Has told by now what there is to tell, as an [InternalError]. Takes 29 ns: the cheapest call of
  /// native code that is never compiled away.
  public static void tellNow() {
    Thread.holdsLock(ANYTHING);
  }
}
