package dev.kvstore.io;

/// What a file or a directory is opened for.
public enum Access {
  READ,
  WRITE
}
