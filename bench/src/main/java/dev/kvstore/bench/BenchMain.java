package dev.kvstore.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/// Runs every row with every peer, in rounds, each pair in a JVM of its own with the same flags, and
/// prints what came out. Within a round the peers take turns row by row, so that a slow minute of the
/// machine meets all of them.
final class BenchMain {
  private static final String CHILD = "--child";
  private static final int KILLED = 128 + 9;

  private BenchMain() {}

  public static void main(String[] args) throws Exception {
    if (args.length > 0 && args[0].equals(CHILD)) {
      child(args);
      return;
    }
    Plan plan;
    try {
      plan = Plan.parse(args);
    } catch (IllegalArgumentException e) {
      System.err.println("bench: " + e.getMessage());
      System.err.print(Plan.USAGE);
      System.exit(2);
      return;
    }
    String time =
        LocalDateTime.now(ZoneOffset.UTC).format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"));
    Files.createDirectories(plan.stores());
    Files.createDirectories(plan.results());
    Path lines = plan.results().resolve(time + ".jsonl");
    Map<String, String> machine = Machine.describe(plan.stores());
    JsonLines.append(lines, Map.of("machine", machine));
    for (int round = 0; round < plan.rounds(); round++) {
      round(plan, round, lines);
    }
    String report = new Report(plan, machine, JsonLines.read(lines)).markdown();
    Files.writeString(plan.results().resolve(time + ".md"), report);
    System.out.println(report);
    System.out.println("also in " + plan.results().resolve(time + ".md") + " and .jsonl");
  }

  private static void round(Plan plan, int round, Path lines) throws Exception {
    List<PeerKind> peers = new ArrayList<>(plan.peers());
    Collections.rotate(peers, -round);
    for (Row row : plan.rows()) {
      if (row.once() && round > 0) {
        continue;
      }
      for (PeerKind peer : peers) {
        if (!peer.promises(row.needs())) {
          continue;
        }
        Path store = plan.stores().resolve(peer.word() + "-" + row.store());
        if (row.after().isEmpty()) {
          delete(store);
        }
        fork(plan, row, peer, round, store, lines);
      }
    }
    if (!plan.keep()) {
      delete(plan.stores());
    }
  }

  private static void fork(Plan plan, Row row, PeerKind peer, int round, Path store, Path lines)
      throws IOException, InterruptedException {
    Data data = plan.data(row);
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(row.jvmFlags());
    command.addAll(peer.jvmFlags());
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), BenchMain.class.getName()));
    command.addAll(
        List.of(
            CHILD,
            row.name(),
            peer.word(),
            Integer.toString(round),
            Long.toString(data.keys()),
            Integer.toString(data.keyBytes()),
            Integer.toString(data.valueBytes()),
            Double.toString(plan.seconds()),
            store.toString(),
            lines.toString()));
    long start = System.nanoTime();
    int status = new ProcessBuilder(command).inheritIO().start().waitFor();
    System.err.printf(
        "round %d  %-14s %-8s %5.1f s%n",
        round + 1, row.name(), peer.title(), (System.nanoTime() - start) / 1e9);
    if (status != (row.work() instanceof KillWork ? KILLED : 0)) {
      throw new IllegalStateException(row.name() + " of " + peer.title() + " ended with " + status);
    }
    delete(store.resolveSibling(store.getFileName() + "-scratch"));
  }

  private static void child(String[] args) throws Exception {
    Row row = Row.named(List.of(args[1])).getLast();
    PeerKind peer = PeerKind.valueOf(args[2].toUpperCase(Locale.ROOT));
    Data data =
        new Data(Long.parseLong(args[4]), Integer.parseInt(args[5]), Integer.parseInt(args[6]));
    Stage stage = new Stage(peer, Path.of(args[8]), data, Double.parseDouble(args[7]));
    stage.report("row", row.name());
    stage.report("peer", peer.word());
    stage.report("round", Integer.parseInt(args[3]));
    stage.report("keys", data.keys());
    stage.report("keyBytes", data.keyBytes());
    stage.report("valueBytes", data.valueBytes());
    row.work().run(stage);
    JsonLines.append(Path.of(args[9]), stage.numbers());
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    List<Path> paths;
    try (Stream<Path> walk = Files.walk(directory)) {
      paths = new ArrayList<>(walk.toList());
    }
    Collections.reverse(paths);
    for (Path path : paths) {
      Files.delete(path);
    }
  }
}
