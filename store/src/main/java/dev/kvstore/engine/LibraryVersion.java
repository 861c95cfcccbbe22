package dev.kvstore.engine;

import java.lang.module.ModuleDescriptor;
import org.jspecify.annotations.Nullable;

/// The version of this build, for receipts.
final class LibraryVersion {
  /// As module or jar say; `development` where neither does.
  static final String NUMBER = number();

  private LibraryVersion() {}

  private static String number() {
    ModuleDescriptor module = LibraryVersion.class.getModule().getDescriptor();
    String ofModule = module == null ? null : module.rawVersion().orElse(null);
    String number = ofModule == null ? ofJar() : ofModule;
    return number == null ? "development" : number;
  }

  private static @Nullable String ofJar() {
    return LibraryVersion.class.getPackage().getImplementationVersion();
  }
}
