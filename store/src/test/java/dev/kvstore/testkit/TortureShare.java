package dev.kvstore.testkit;

import java.time.Duration;
import java.util.Arrays;

/// How the minutes of `make torture` are divided: each random test that is tagged so has its share, so that
/// these end in time however many there are. Those that go through states one by one come on top.
public enum TortureShare {
  /// `RandomHistoryTest`
  HISTORIES(20),
  /// `torture.KillRoundsTest`
  KILLS(35),
  /// `torture.KillsOnFullDiskTest`
  FULL_DISK(15),
  /// `torture.KillsWithoutHandlesTest`
  FILE_HANDLES(10),
  /// `torture.MeddlingWhileBusyTest`
  MEDDLING(10),
  /// `torture.InterruptStormTest`
  INTERRUPTS(10);

  private static final String PROPERTY = "kvstore.torture.minutes";

  private final int hundredths;

  TortureShare(int hundredths) {
    this.hundredths = hundredths;
  }

  /// How long the test may take.
  public Duration duration() {
    int all = Arrays.stream(values()).mapToInt(share -> share.hundredths).sum();
    double minutes = Double.parseDouble(System.getProperty(PROPERTY, "1"));
    return Duration.ofNanos((long) (minutes * 60e9 * hundredths / all));
  }

  /// Tells on standard output what was done.
  public void report(String what) {
    System.out.println("torture, " + duration().toSeconds() + " s of " + this + ": " + what);
  }
}
