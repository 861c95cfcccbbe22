package dev.kvstore.testkit;

/// One call of a [SimulatedDirectory] or of one of its files that an operating system could refuse.
///
/// @param number counts from 1, over the directory and all of its files
/// @param operation name of the method
/// @param file the file it is about; "." for the directory
public record Call(int number, String operation, String file) {
  /// Whether bytes go from the caller to the file.
  public boolean writes() {
    return operation.equals("write") || operation.equals("fillZero");
  }

  @Override
  public String toString() {
    return "call " + number + ": " + operation + " " + file;
  }
}
