package dev.kvstore.testkit;

/// The machine is gone: thrown by the call a [SimulatedDirectory] was told to crash at, and by every
/// call after it. An error, so that nothing mistakes it for a failure it could handle.
public final class SimulatedCrash extends Error {
  private static final long serialVersionUID = 1L;

  public SimulatedCrash(String at) {
    super(at);
  }
}
