package dev.kvstore.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;

/// Measures what the command line asks for, see [Plan], and reports what is in the file of lines then.
final class BenchMain {
  private BenchMain() {}

  public static void main(String[] args) throws Exception {
    List<String> arguments = Arrays.asList(args);
    if (!arguments.isEmpty() && arguments.getFirst().equals(Fork.CHILD)) {
      System.exit(Fork.child(arguments));
    }
    String now =
        LocalDateTime.now(ZoneOffset.UTC).format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"));
    Plan plan;
    try {
      plan = Plan.parse(arguments, now);
    } catch (IllegalArgumentException e) {
      System.err.println("bench: " + e.getMessage());
      System.err.print(Plan.USAGE);
      System.exit(2);
      return;
    }
    boolean good = true;
    if (plan.measure()) {
      good = new Session(plan).run(now, String.join(" ", args));
    }
    Results results = Results.read(plan.lines());
    String report = new Report(results).markdown();
    System.out.println(report);
    Path file;
    if (plan.write().isPresent()) {
      file = plan.write().get();
      new ResultsSection(file).replace(report);
    } else {
      String name = plan.lines().getFileName().toString();
      file = plan.lines().resolveSibling(name.replaceFirst("\\.jsonl$", "") + ".md");
      Files.writeString(file, report);
    }
    Path plots = plan.plots().orElse(plan.lines().resolveSibling("plots"));
    for (Path plot : new Charts(results).write(plots)) {
      System.out.println("plot " + plot);
    }
    System.out.println("the results are in " + file + ", the lines in " + plan.lines());
    if (!good) {
      System.err.println("bench: something failed; the table says what");
      System.exit(1);
    }
  }
}
