package dev.kvstore.testkit;

import java.util.Set;

/// How a call fails.
public enum Fault {
  /// Nothing is done. A force is worse, as it is on Linux: what it should have written counts as
  /// written from then on, so the next force reports success without it.
  IO_ERROR,

  /// It is done as a whole, and an error reported all the same. A force: as [#IO_ERROR].
  IO_ERROR_AFTERWARDS,

  /// Half of the bytes are read or written, then there is an error. Other calls are not hit.
  IO_ERROR_HALF_WAY,

  /// Nothing is done, since the disk is full. A force: as [#IO_ERROR]. Calls that only read are not
  /// hit.
  NO_SPACE,

  /// Half of the bytes are written, then the disk is full. Calls that write none are not hit.
  NO_SPACE_HALF_WAY,

  /// Nothing is opened, since too many files are. Calls that open nothing are not hit.
  NO_HANDLE;

  private static final Set<String> TRANSFERS = Set.of("read", "write", "fillZero");
  private static final Set<String> CHANGES =
      Set.of("create", "write", "fillZero", "cut", "force", "rename", "remove");
  private static final Set<String> OPENERS = Set.of("create", "open", "list", "lock");

  /// Whether a call can fail in this way.
  public boolean hits(Call call) {
    return switch (this) {
      case IO_ERROR, IO_ERROR_AFTERWARDS -> true;
      case NO_SPACE -> CHANGES.contains(call.operation());
      case NO_SPACE_HALF_WAY -> call.writes();
      case IO_ERROR_HALF_WAY -> TRANSFERS.contains(call.operation());
      case NO_HANDLE ->
          OPENERS.contains(call.operation())
              || (call.operation().equals("force") && call.file().equals("."));
    };
  }

  boolean isHalfWay() {
    return this == IO_ERROR_HALF_WAY || this == NO_SPACE_HALF_WAY;
  }

  /// Whether the caller learns that there was no space. Of a force nobody does: it must not be tried
  /// again, whatever the reason.
  boolean isNoSpace(Call call) {
    return (this == NO_SPACE || this == NO_SPACE_HALF_WAY) && !call.operation().equals("force");
  }

  /// What the system says.
  public String reason() {
    return switch (this) {
      case IO_ERROR, IO_ERROR_AFTERWARDS, IO_ERROR_HALF_WAY -> "Input/output error";
      case NO_SPACE, NO_SPACE_HALF_WAY -> "No space left on device";
      case NO_HANDLE -> "Too many open files";
    };
  }
}
