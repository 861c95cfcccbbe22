package dev.kvstore.cli;

/// The version of this build, as its jar says.
final class Version {
  private Version() {}

  static String number() {
    String ofJar = Version.class.getPackage().getImplementationVersion();
    return ofJar == null ? "development" : ofJar;
  }

  static String line() {
    return "kvstore " + number() + " (Java " + Runtime.version().feature() + ")";
  }
}
