package dev.kvstore.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Optional;

/// Who has a directory, as the file `LOCK` tells it to people; one `name=value` a line.
///
/// ```
/// pid=4711
/// host=db-3
/// since=2026-03-01T09:30:00Z
/// ```
///
/// Anybody may have written anything there: what is not understood counts as unknown.
///
/// @param pid process id, or -1 if unknown
record LockOwner(long pid, String host, String since) {
  static final long UNKNOWN_PID = -1;

  private static final String UNKNOWN = "unknown";
  private static final int FILE_BYTES_MAX = 1024;
  private static final int VALUE_CHARS_MAX = 128;
  private static final Path LINUX_SELF = Path.of("/proc/self");
  private static final Path LINUX_HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  /// This process, from now on.
  static LockOwner self() {
    return new LockOwner(ownPid(), printable(hostName()), utc(Instant.now().getEpochSecond()));
  }

  /// A time as text, seconds always included. Without a formatter, which takes milliseconds to make in a
  /// JVM that has just started.
  static String utc(long epochSecond) {
    String time = LocalDateTime.ofEpochSecond(epochSecond, 0, ZoneOffset.UTC).toString();
    boolean wholeMinute = epochSecond % 60 == 0; // which the JDK writes without seconds
    return time + (wholeMinute ? ":00Z" : "Z");
  }

  /// The number of this process. The JDK makes a pool of threads before it tells.
  private static long ownPid() {
    try {
      return Long.parseLong(Files.readSymbolicLink(LINUX_SELF).toString());
    } catch (IOException | NumberFormatException | UnsupportedOperationException e) {
      return ProcessHandle.current().pid();
    }
  }

  /// The name this machine gives itself. The JDK would ask the network, and might wait for it.
  private static String hostName() {
    try {
      if (Files.isReadable(LINUX_HOST_NAME)) {
        return Files.readString(LINUX_HOST_NAME).strip();
      }
    } catch (IOException e) {
      // Ask the environment.
    }
    return Optional.ofNullable(System.getenv("HOSTNAME"))
        .or(() -> Optional.ofNullable(System.getenv("COMPUTERNAME")))
        .orElse(UNKNOWN);
  }

  /// Reads what the file says; unknown where it says nothing of use.
  static LockOwner read(FileChannel channel) {
    ByteBuffer bytes = ByteBuffer.allocate(FILE_BYTES_MAX);
    try {
      while (bytes.hasRemaining() && channel.read(bytes, bytes.position()) > 0) {}
    } catch (IOException e) {
      // It is for the message only.
    }
    return parse(new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8));
  }

  static LockOwner parse(String text) {
    long pid = UNKNOWN_PID;
    String host = UNKNOWN;
    String since = UNKNOWN;
    for (String line : text.lines().toList()) {
      int equals = line.indexOf('=');
      String value = printable(line.substring(equals + 1));
      switch (equals < 0 ? "" : line.substring(0, equals)) {
        case "pid" -> pid = parsePid(value);
        case "host" -> host = value;
        case "since" -> since = value;
        default -> {}
      }
    }
    return new LockOwner(pid, host, since);
  }

  private static long parsePid(String value) {
    try {
      return Math.max(UNKNOWN_PID, Long.parseLong(value));
    } catch (NumberFormatException e) {
      return UNKNOWN_PID;
    }
  }

  private static String printable(String value) {
    String cut = value.substring(0, Math.min(value.length(), VALUE_CHARS_MAX));
    for (int i = 0; i < cut.length(); i++) {
      if (cut.charAt(i) <= ' ' || cut.charAt(i) >= 0x7F) {
        return UNKNOWN;
      }
    }
    return cut.isEmpty() ? UNKNOWN : cut;
  }

  /// Writes this owner over what the file said. A full disk is no obstacle: the lock holds without.
  void write(FileChannel channel) throws IOException {
    byte[] text =
        ("pid=" + pid + "\nhost=" + host + "\nsince=" + since + "\n")
            .getBytes(StandardCharsets.UTF_8);
    try {
      // Not emptied first: the old block takes the new text also when there is no other.
      ByteBuffer bytes = ByteBuffer.wrap(text);
      while (bytes.hasRemaining()) {
        channel.write(bytes, bytes.position());
      }
      channel.truncate(text.length);
    } catch (IOException e) {
      if (!Failures.isNoSpace(e)) {
        throw e;
      }
    }
  }

  @Override
  public String toString() {
    return "pid "
        + (pid == UNKNOWN_PID ? UNKNOWN : Long.toString(pid))
        + " on host "
        + host
        + ", since "
        + since;
  }
}
