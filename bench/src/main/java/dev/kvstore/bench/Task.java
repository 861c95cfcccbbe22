package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// One row for one peer in one round: what a JVM is started for.
///
/// @param peer empty for the machine itself
/// @param scale the data that the plan asked for
/// @param data the data of this row
/// @param directory of the store
/// @param lines where the results go
record Task(
    Row row,
    Optional<PeerKind> peer,
    int round,
    Data scale,
    Data data,
    double seconds,
    Path directory,
    Path lines) {
  /// Stands for the machine where another name would be that of a peer.
  static final String MACHINE = "machine";

  /// The name of a peer, or of what stands in its place.
  static String word(Optional<PeerKind> peer) {
    return peer.map(PeerKind::word).orElse(MACHINE);
  }

  String who() {
    return word(peer);
  }

  /// How much memory its JVM may use, with the page cache; empty for all there is.
  OptionalLong memoryBytes() {
    return row.memoryShare() == 0
        ? OptionalLong.empty()
        : OptionalLong.of(data.bytes() / row.memoryShare());
  }

  /// What is in front of its results.
  Map<String, Object> heading() {
    Map<String, Object> heading = new LinkedHashMap<>();
    heading.put("row", row.name());
    heading.put("peer", who());
    heading.put("round", round);
    heading.put("scaleKeys", scale.keys());
    heading.put("scaleKeyBytes", scale.keyBytes());
    heading.put("scaleValueBytes", scale.valueBytes());
    heading.put("keys", data.keys());
    heading.put("keyBytes", data.keyBytes());
    heading.put("valueBytes", data.valueBytes());
    return heading;
  }

  /// For the command line of another JVM, which gets it back from [#parse].
  List<String> arguments() {
    return List.of(
        row.name(),
        who(),
        Integer.toString(round),
        Long.toString(scale.keys()),
        Integer.toString(scale.keyBytes()),
        Integer.toString(scale.valueBytes()),
        Double.toString(seconds),
        directory.toString(),
        lines.toString());
  }

  static Task parse(List<String> arguments) {
    List<String> left = new ArrayList<>(arguments);
    Row row = Rows.named(left.removeFirst());
    String who = left.removeFirst();
    int round = Integer.parseInt(left.removeFirst());
    Data scale =
        new Data(
            Long.parseLong(left.removeFirst()),
            Integer.parseInt(left.removeFirst()),
            Integer.parseInt(left.removeFirst()));
    return new Task(
        row,
        who.equals(MACHINE)
            ? Optional.empty()
            : Optional.of(PeerKind.valueOf(who.toUpperCase(Locale.ROOT))),
        round,
        scale,
        row.shape().of(scale),
        Double.parseDouble(left.removeFirst()),
        Path.of(left.removeFirst()),
        Path.of(left.removeFirst()));
  }
}
