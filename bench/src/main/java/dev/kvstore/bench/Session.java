package dev.kvstore.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Runs every row with every peer, in rounds. Within a round the peers take turns row by row, so that
/// a slow minute of the machine meets all of them; another one begins in each round.
///
/// What the file of lines has already is left out. A peer that fails or takes too long is left out of
/// the rows that need what it did not do, and the others go on.
final class Session {
  private final Plan plan;

  /// Stores whose first row did not end well, as directories.
  private final Set<Path> spoilt = new HashSet<>();

  private boolean good = true;

  Session(Plan plan) {
    this.plan = plan;
  }

  /// @param arguments what was asked for, for the record
  /// @return whether everything ended well that this store had a part in
  boolean run(String now, String arguments) throws IOException, InterruptedException {
    Files.createDirectories(plan.stores());
    if (plan.lines().getParent() != null) {
      Files.createDirectories(plan.lines().getParent());
    }
    Results before = Files.exists(plan.lines()) ? Results.read(plan.lines()) : Results.NONE;
    Map<String, Object> run = new LinkedHashMap<>();
    run.put("run", now);
    run.put("arguments", arguments);
    run.put("rounds", plan.rounds());
    run.put("seconds", plan.seconds());
    run.put(
        "jvm",
        String.join(
            " ",
            ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> !flag.startsWith("-D"))
                .toList()));
    run.putAll(Machine.describe(plan.stores()));
    JsonLines.append(plan.lines(), run);
    for (int round = 0; round < plan.rounds(); round++) {
      round(round, before);
    }
    JsonLines.append(plan.lines(), Map.of("end", now, "load", Machine.load()));
    return good;
  }

  private void round(int round, Results before) throws IOException, InterruptedException {
    spoilt.clear();
    for (Row row : plan.rows()) {
      if (row.once() && round > 0) {
        continue;
      }
      for (Optional<PeerKind> peer : peers(row, round)) {
        Task task = plan.task(row, peer, round);
        if (isNeeded(task, before)) {
          run(task);
        }
      }
      if (!plan.keep() && isLast(row)) {
        // Of all stores: not every one that an earlier row made is asked about in the last.
        for (PeerKind peer : plan.peers()) {
          delete(plan.task(row, Optional.of(peer), round).directory());
        }
        delete(plan.task(row, Optional.empty(), round).directory());
      }
    }
  }

  private List<Optional<PeerKind>> peers(Row row, int round) {
    if (row.by() == Row.By.MACHINE) {
      return List.of(Optional.empty());
    }
    List<Optional<PeerKind>> peers = new ArrayList<>();
    for (PeerKind peer : plan.peers()) {
      if (row.suits(peer)) {
        peers.add(Optional.of(peer));
      }
    }
    Collections.rotate(peers, -round);
    return peers;
  }

  /// Whether there is no result yet, or a later row that has none needs the store that this one makes.
  private boolean isNeeded(Task task, Results before) {
    if (!task.row().onlyPrepares() && !before.has(task)) {
      return true;
    }
    return task.row().after().isEmpty()
        && plan.rows().stream()
            .filter(row -> row.after().filter(task.row().name()::equals).isPresent())
            .filter(row -> task.peer().filter(row::suits).isPresent())
            .anyMatch(row -> !before.has(plan.task(row, task.peer(), task.round())));
  }

  private boolean isLast(Row row) {
    return plan.rows().stream()
        .filter(other -> other.store().equals(row.store()))
        .toList()
        .getLast()
        .equals(row);
  }

  private void run(Task task) throws IOException, InterruptedException {
    Path store = task.directory();
    if (task.row().after().isEmpty()) {
      delete(store);
    } else if (spoilt.contains(store)) {
      Fork.reason(task, task.row().after().get() + " did not end well");
      return;
    }
    if (!Fork.run(task, plan.limitSeconds())) {
      good &= task.peer().isPresent() && task.peer().get() != PeerKind.KVSTORE;
      if (task.row().after().isEmpty()) {
        spoilt.add(store);
      }
    }
    delete(Stage.scratch(store));
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
