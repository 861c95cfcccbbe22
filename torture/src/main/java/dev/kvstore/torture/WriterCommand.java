package dev.kvstore.torture;

import java.util.List;

/// How the process of a writer is started.
///
/// @param main the class, whose arguments are those of [WriterPlan]
/// @param shell what comes before the command, such as a shell that sets limits
/// @param expectsTrouble whether errors of the file system are to be expected and lived with: then a full
///     disk is no end but a part of it
record WriterCommand(Class<?> main, List<String> shell, boolean expectsTrouble) {
  static final WriterCommand USUAL = new WriterCommand(Writer.class, List.of(), false);
}
