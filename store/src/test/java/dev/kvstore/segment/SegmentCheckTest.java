package dev.kvstore.segment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Damage;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreException;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import dev.kvstore.io.Access;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.io.FileHandle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A sealed segment and its hint are checked to the last byte, however they are read.
@Timeout(60)
class SegmentCheckTest {
  @TempDir private Path temporary;

  private DiskDirectory directory;
  private StoreId store;
  private SealedSegment sealed;
  private Segment segment;
  private SegmentCheck check;
  private byte[] file;
  private byte[] hint;

  @BeforeEach
  void seal() throws IOException {
    Path path = temporary.resolve("store");
    Options options =
        Options.builder().durability(Durability.OS).compaction(CompactionPolicy.manual()).build();
    try (KvStore kv = KvStore.open(path, options)) {
      kv.put("text", "value");
      kv.put("number", Value.of(7L));
      kv.write(new WriteBatch().put("one", "1").put("three", "333").delete("number"));
      kv.sync();
      kv.put("gone", new String(new char[300]));
      kv.delete("gone");
      kv.compact(); // seals all of it: what was deleted is copied as a tombstone or not at all
    }
    directory = DiskDirectory.open(path, Access.READ, false);
    Manifest manifest = Manifest.read(directory);
    store = manifest.store();
    sealed = manifest.sealed().getFirst();
    try (FileHandle handle = directory.open(SegmentFormat.segmentName(sealed.id()), Access.READ)) {
      segment =
          new Segment(
              store, sealed.id(), Mapping.of(handle, handle.size(), Access.READ), handle.size());
    }
    check = new SegmentCheck(store, new KeyHasher(store));
    file = Files.readAllBytes(path.resolve(SegmentFormat.segmentName(sealed.id())));
    hint = Files.readAllBytes(path.resolve(SegmentFormat.hintName(sealed.id())));
  }

  @AfterEach
  void close() {
    segment.retire();
    directory.close();
  }

  private static SegmentBytes bytes(byte[] content) {
    return new SegmentBytes() {
      @Override
      public void read(long offset, byte[] target, int from, int length) {
        System.arraycopy(content, (int) offset, target, from, length);
      }

      @Override
      public void close() {}
    };
  }

  private List<Damage> damagesIn(byte[] content) {
    List<Damage> damages = new ArrayList<>();
    check.check(segment, sealed, bytes(content), content.length, damages::add);
    return damages;
  }

  @Test
  void whatIsIntactIsFoundIntact() {
    assertThat(damagesIn(file)).isEmpty();
    assertThat(damagesIn(Arrays.copyOf(file, file.length + 100))).isEmpty(); // nothing reads that
    HintFile.check(bytes(hint), hint.length, store, sealed);
  }

  @Test
  void everyBitOfASegmentCounts() {
    for (int at = 0; at < file.length; at++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] damaged = file.clone();
        damaged[at] ^= (byte) (1 << bit);
        List<Damage> damages = damagesIn(damaged);
        assertThat(damages).as(at + " ^ " + (1 << bit)).hasSize(1);
        Damage damage = damages.getFirst();
        assertThat(damage.file()).isEqualTo(segment.name());
        if (at >= SegmentFormat.HEADER_BYTES) {
          assertThat(damage.offset()).isLessThanOrEqualTo(at);
          assertThat(damage.offset() + damage.bytes()).isGreaterThan(at);
        }
      }
    }
  }

  @Test
  void everyLengthOfASegmentIsChecked() {
    for (int length = 0; length < file.length; length++) {
      assertThat(damagesIn(Arrays.copyOf(file, length))).as(length + " bytes").isNotEmpty();
    }
  }

  @Test
  void aRecordThatIsMissingShowsInTheSeal() {
    // The first record cut out, the rest moved up: each of them then stands in the wrong place.
    byte[] moved = file.clone();
    System.arraycopy(file, 112, moved, 64, file.length - 112);
    assertThat(damagesIn(moved)).isNotEmpty();
    // Another seal, sound in itself, is not the one that the manifest knows.
    SealedSegment other =
        new SealedSegment(
            sealed.id(),
            sealed.bytes(),
            sealed.records(),
            sealed.tombstoneBytes(),
            sealed.minSequence(),
            sealed.maxSequence(),
            sealed.sealChecksum() + 1);
    List<Damage> damages = new ArrayList<>();
    check.check(segment, other, bytes(file), file.length, damages::add);
    assertThat(damages).hasSize(1);
    assertThat(damages.getFirst().problem()).contains("seal");
  }

  @Test
  void everyBitAndLengthOfAHintCounts() {
    for (int at = 0; at < hint.length; at++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] damaged = hint.clone();
        damaged[at] ^= (byte) (1 << bit);
        refused(damaged);
      }
      refused(Arrays.copyOf(hint, at));
    }
    refused(Arrays.copyOf(hint, hint.length + 24));
  }

  private void refused(byte[] content) {
    assertThatExceptionOfType(StoreException.class)
        .isThrownBy(() -> HintFile.check(bytes(content), content.length, store, sealed))
        .withMessageContaining(SegmentFormat.hintName(sealed.id()));
  }
}
