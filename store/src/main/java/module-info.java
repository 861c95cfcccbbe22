/// KvStore, an embedded log-structured key-value store.
///
/// Start at [dev.kvstore.KvStore]. Needs no JVM flag, no native code and no reflection.
module dev.kvstore {
  requires static transitive org.jspecify;
  requires com.dynatrace.hash4j;

  exports dev.kvstore;
  exports dev.kvstore.codec;
}
