package dev.kvstore.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The arguments as they were typed.
///
/// The JVM decodes arguments by the locale, and in the locale `C`, which containers and cron jobs
/// have, turns every byte above 127 into a question mark: two different keys would become one. So
/// where a character could stand for something lost, the bytes are read again from the kernel.
final class ProcessArguments {
  private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

  private ProcessArguments() {}

  /// The arguments, decoded as UTF-8 and nothing else.
  ///
  /// @throws BadInputException if one is not UTF-8
  static String[] exact(String[] args) {
    if (!isSuspicious(args)) {
      return args;
    }
    byte @Nullable [][] raw = fromKernel(args.length);
    if (raw == null) {
      return args;
    }
    String[] exact = new String[args.length];
    for (int i = 0; i < args.length; i++) {
      String text = Utf8Text.decode(raw[i]);
      if (text == null) {
        throw new BadInputException(
            "argument " + (i + 1) + " is not UTF-8 text; give it as bytes with --hex or --base64");
      }
      exact[i] = text;
    }
    return exact;
  }

  private static boolean isSuspicious(String[] args) {
    boolean asUtf8 = "UTF-8".equals(System.getProperty("sun.jnu.encoding"));
    for (String arg : args) {
      for (int i = 0; i < arg.length(); i++) {
        char c = arg.charAt(i);
        if (c == '\uFFFD' || (!asUtf8 && (c == '?' || c > 127))) {
          return true;
        }
      }
    }
    return false;
  }

  /// The last arguments of this process; null where the kernel does not tell.
  private static byte @Nullable [][] fromKernel(int count) {
    byte[] line;
    try {
      line = Files.readAllBytes(COMMAND_LINE);
    } catch (IOException e) {
      return null;
    }
    byte[][] found = new byte[count][];
    int end = line.length - 1; // The terminator of the last argument.
    for (int i = count - 1; i >= 0; i--) {
      if (end < 0) {
        return null;
      }
      int begin = end;
      while (begin > 0 && line[begin - 1] != 0) {
        begin--;
      }
      found[i] = Arrays.copyOfRange(line, begin, end);
      end = begin - 1;
    }
    return found;
  }
}
