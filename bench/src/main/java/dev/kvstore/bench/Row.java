package dev.kvstore.bench;

import java.util.List;
import java.util.Optional;

/// One work with its name and what it needs. [Rows] has them all.
///
/// @param name on the command line
/// @param title in the table; empty if it only prepares another row
/// @param by who does it
/// @param after the row that must have run before in the same round; empty if the store begins empty
/// @param store which of a peer's stores it uses; rows that follow each other share one
/// @param shape what is different about its data
/// @param once whether one round is enough
/// @param metrics what goes into the tables; none if it only prepares another row
/// @param memoryShare 0, or how many times the data are larger than the memory it may use
/// @param jvmFlags for its JVM, behind those of all
record Row(
    String name,
    String title,
    By by,
    Optional<String> after,
    String store,
    Shape shape,
    boolean once,
    List<Metric> metrics,
    int memoryShare,
    List<String> jvmFlags,
    Work work) {

  /// Who does a row.
  enum By {
    EVERY_STORE,
    /// Only KvStore: the row asks for what no peer offers, or cannot tell.
    KVSTORE,
    /// No store at all: what files and memory allow.
    MACHINE
  }

  /// What a row changes about the data that were asked for; 0 for nothing.
  ///
  /// @param keysMax no more keys than this
  /// @param room for how many times as many keys the store is opened, because some are inserted
  record Shape(long keysMax, int keyBytes, int valueBytes, int room) {
    static final Shape AS_ASKED = new Shape(0, 0, 0, 1);

    Data of(Data asked) {
      return new Data(
          keysMax == 0 ? asked.keys() : Math.min(keysMax, asked.keys()),
          keyBytes == 0 ? asked.keyBytes() : keyBytes,
          valueBytes == 0 ? asked.valueBytes() : valueBytes);
    }
  }

  static Row of(String name, String title, Work work, Metric... metrics) {
    return new Row(
        name,
        title,
        By.EVERY_STORE,
        Optional.empty(),
        name,
        Shape.AS_ASKED,
        false,
        List.of(metrics),
        0,
        List.of(),
        work);
  }

  /// A row that only makes the store of others.
  static Row preparation(String name, Work work) {
    return of(name, "", work);
  }

  Row by(By by) {
    return new Row(
        name, title, by, after, store, shape, once, metrics, memoryShare, jvmFlags, work);
  }

  /// The same with the store that another row leaves, and with data of that shape.
  Row after(Row first) {
    return new Row(
        name,
        title,
        by,
        Optional.of(first.name),
        first.store,
        first.shape,
        once,
        metrics,
        memoryShare,
        jvmFlags,
        work);
  }

  Row shape(long keysMax, int keyBytes, int valueBytes) {
    return new Row(
        name,
        title,
        by,
        after,
        store,
        new Shape(keysMax, keyBytes, valueBytes, 1),
        once,
        metrics,
        memoryShare,
        jvmFlags,
        work);
  }

  /// With a store that has room for so many times the keys.
  Row room(int times) {
    return new Row(
        name,
        title,
        by,
        after,
        store,
        new Shape(shape.keysMax, shape.keyBytes, shape.valueBytes, times),
        once,
        metrics,
        memoryShare,
        jvmFlags,
        work);
  }

  Row justOnce() {
    return new Row(
        name, title, by, after, store, shape, true, metrics, memoryShare, jvmFlags, work);
  }

  Row flags(String... flags) {
    return new Row(
        name, title, by, after, store, shape, once, metrics, memoryShare, List.of(flags), work);
  }

  /// In a memory cgroup that holds only this part of the data.
  Row inMemoryOf(int share, String... flags) {
    return new Row(
        name, title, by, after, store, shape, once, metrics, share, List.of(flags), work);
  }

  /// Whether a store promises what this row needs, and the row before it.
  boolean suits(PeerKind peer) {
    return switch (by) {
      case MACHINE -> false;
      case KVSTORE -> peer == PeerKind.KVSTORE;
      case EVERY_STORE ->
          peer.promises(work.needs())
              && after.map(Rows::named).map(row -> row.suits(peer)).orElse(true);
    };
  }

  boolean onlyPrepares() {
    return metrics.isEmpty();
  }
}
