package dev.kvstore;

/// The one wording of "that is not the type you asked for".
final class Mistyped {
  private Mistyped() {}

  static StoreEncodingException asked(Encoding wanted, Value found) {
    return new StoreEncodingException(
        "the value is of type "
            + found.encoding()
            + ", not "
            + wanted
            + "; ask for that type, or for its bytes");
  }
}
