package dev.kvstore;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How a store is opened. Immutable; made by [#builder], checked once in [Builder#build].
///
/// [#application] is stored at creation and checked at each open; all others may differ from one
/// open to the next.
public final class Options {
  /// Identifies the application whose data a store holds, and the version of that data, so that a
  /// program does not open what another one wrote.
  ///
  /// @param magic the application's own number, 0 to 2^31 - 1
  /// @param version the version of its data, 0 to 2^31 - 1
  public record Application(int magic, int version) {
    public Application {
      if (magic < 0 || version < 0) {
        throw new IllegalArgumentException(
            "application magic and version must be 0 or more, not " + magic + " and " + version);
      }
    }
  }

  /// Smallest segment: 4 KiB, useful in tests only.
  public static final long SEGMENT_BYTES_LEAST = 4L << 10;

  /// Largest segment: 2 GiB.
  public static final long SEGMENT_BYTES_MOST = 2L << 30;

  private static final Options DEFAULTS = builder().build();

  private final Durability durability;
  private final DamagePolicy damagePolicy;
  private final boolean readOnly;
  private final boolean createIfMissing;
  private final Optional<Application> application;
  private final boolean verifyReads;
  private final long segmentBytesMax;
  private final CompactionPolicy compaction;
  private final long compactionBytesPerSecondMax;
  private final int recoveryThreads;
  private final ScrubPolicy scrub;

  private Options(Builder builder) {
    durability = builder.durability;
    damagePolicy = builder.damagePolicy;
    readOnly = builder.readOnly;
    createIfMissing = builder.createIfMissing;
    application = Optional.ofNullable(builder.application);
    verifyReads = builder.verifyReads;
    segmentBytesMax = builder.segmentBytesMax;
    compaction = builder.compaction;
    compactionBytesPerSecondMax = builder.compactionBytesPerSecondMax;
    recoveryThreads = builder.recoveryThreads;
    scrub = builder.scrub;
  }

  /// Every option at its default.
  public static Options defaults() {
    return DEFAULTS;
  }

  /// A builder with every option at its default.
  public static Builder builder() {
    return new Builder();
  }

  /// A builder that starts from these options.
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.durability = durability;
    builder.damagePolicy = damagePolicy;
    builder.readOnly = readOnly;
    builder.createIfMissing = createIfMissing;
    builder.application = application.orElse(null);
    builder.verifyReads = verifyReads;
    builder.segmentBytesMax = segmentBytesMax;
    builder.compaction = compaction;
    builder.compactionBytesPerSecondMax = compactionBytesPerSecondMax;
    builder.recoveryThreads = recoveryThreads;
    builder.scrub = scrub;
    return builder;
  }

  /// What a write waits for; see [Builder#durability].
  public Durability durability() {
    return durability;
  }

  /// What to do about damage found by `open`; see [Builder#damagePolicy].
  public DamagePolicy damagePolicy() {
    return damagePolicy;
  }

  /// Whether nothing may be written; see [Builder#readOnly].
  public boolean readOnly() {
    return readOnly;
  }

  /// Whether a missing store is created; see [Builder#createIfMissing].
  public boolean createIfMissing() {
    return createIfMissing;
  }

  /// Who owns the data; empty if nobody was named. See [Builder#application].
  public Optional<Application> application() {
    return application;
  }

  /// Whether each read checks the checksum; see [Builder#verifyReads].
  public boolean verifyReads() {
    return verifyReads;
  }

  /// Bytes at which the active segment is sealed; see [Builder#segmentBytesMax].
  public long segmentBytesMax() {
    return segmentBytesMax;
  }

  /// When compaction starts by itself; see [Builder#compaction].
  public CompactionPolicy compaction() {
    return compaction;
  }

  /// Bytes per second that background compaction writes at most; [Long#MAX_VALUE] if there is no bound. See
  /// [Builder#compactionBytesPerSecondMax].
  public long compactionBytesPerSecondMax() {
    return compactionBytesPerSecondMax;
  }

  /// Threads that load the index at open; see [Builder#recoveryThreads].
  public int recoveryThreads() {
    return recoveryThreads;
  }

  /// Whether the store reads itself in the background; see [Builder#scrub].
  public ScrubPolicy scrub() {
    return scrub;
  }

  /// Collects options; [#build] checks them. One thread at a time.
  public static final class Builder {
    // Change results.
    private Durability durability = Durability.ALWAYS;
    private DamagePolicy damagePolicy = DamagePolicy.REFUSE;
    private boolean readOnly;
    private boolean createIfMissing = true;
    private @Nullable Application application;

    // Change only cost.
    private boolean verifyReads = true;
    private long segmentBytesMax = 256L << 20;
    private CompactionPolicy compaction = CompactionPolicy.DEFAULT;
    private long compactionBytesPerSecondMax = Long.MAX_VALUE;
    private int recoveryThreads = Runtime.getRuntime().availableProcessors();
    private ScrubPolicy scrub = ScrubPolicy.off();

    private Builder() {}

    /// What a write waits for. Default [Durability#ALWAYS]; see [KvStore#withDurability] for a single
    /// write.
    public Builder durability(Durability durability) {
      this.durability = Objects.requireNonNull(durability, "durability");
      return this;
    }

    /// What to do about damage found by `open`. Default [DamagePolicy#REFUSE].
    public Builder damagePolicy(DamagePolicy policy) {
      this.damagePolicy = Objects.requireNonNull(policy, "damagePolicy");
      return this;
    }

    /// Open for reading only: nothing in the directory is written, and every write throws
    /// [StoreReadOnlyException]. Several processes may do so at once, but not while one writes.
    /// Default false.
    public Builder readOnly(boolean readOnly) {
      this.readOnly = readOnly;
      return this;
    }

    /// Whether a missing store is created. Default true; never done when read-only.
    public Builder createIfMissing(boolean create) {
      this.createIfMissing = create;
      return this;
    }

    /// Names the application that owns the data. Stored when the store is created; an open that names
    /// another one is refused with [StoreStartupException]; an open that names none is not checked.
    /// Default none.
    public Builder application(int magic, int version) {
      this.application = new Application(magic, version);
      return this;
    }

    /// Whether each read checks the record's checksum. Default true; without it a get is somewhat
    /// faster, and damage on the medium is returned as if it were data.
    public Builder verifyReads(boolean verify) {
      this.verifyReads = verify;
      return this;
    }

    /// Bytes at which the active segment is sealed; small stores use smaller segments by themselves.
    /// Larger: fewer files, slower compaction steps. Default 256 MiB; [#SEGMENT_BYTES_LEAST] to
    /// [#SEGMENT_BYTES_MOST]. A record or batch larger than this gets a segment of its own.
    public Builder segmentBytesMax(long bytes) {
      this.segmentBytesMax = bytes;
      return this;
    }

    /// When compaction starts by itself. Default [CompactionPolicy#DEFAULT].
    public Builder compaction(CompactionPolicy policy) {
      this.compaction = Objects.requireNonNull(policy, "compaction");
      return this;
    }

    /// Upper bound of what background compaction writes. Default none; 64 KiB per second or more. A
    /// compaction on demand is not slowed down.
    public Builder compactionBytesPerSecondMax(long bytes) {
      this.compactionBytesPerSecondMax = bytes;
      return this;
    }

    /// Threads that load the index at open. Default the number of processors; 1 to 256.
    public Builder recoveryThreads(int threads) {
      this.recoveryThreads = threads;
      return this;
    }

    /// Whether the store reads itself in the background to find damage. Default [ScrubPolicy#off].
    public Builder scrub(ScrubPolicy policy) {
      this.scrub = Objects.requireNonNull(policy, "scrub");
      return this;
    }

    /// The options.
    ///
    /// @throws IllegalArgumentException naming the option, its value and its range
    public Options build() {
      require(
          segmentBytesMax >= SEGMENT_BYTES_LEAST && segmentBytesMax <= SEGMENT_BYTES_MOST,
          "segmentBytesMax must be 4 KiB to 2 GiB, not " + segmentBytesMax);
      require(
          compactionBytesPerSecondMax >= 64 << 10,
          "compactionBytesPerSecondMax must be 65536 or more, not " + compactionBytesPerSecondMax);
      require(
          recoveryThreads >= 1 && recoveryThreads <= 256,
          "recoveryThreads must be 1 to 256, not " + recoveryThreads);
      return new Options(this);
    }

    private static void require(boolean holds, String message) {
      if (!holds) {
        throw new IllegalArgumentException(message);
      }
    }
  }
}
