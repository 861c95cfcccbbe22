package dev.kvstore.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;

/// Makes a segment by what an input says: mostly records that verify and follow each other, now and then
/// what a crash, a bad disk or somebody malicious would leave between them.
final class LogMaker {
  private static final int KEYS = 7;

  private final PlainRecords records;
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private final boolean mayBeSealed;
  private final Feed feed;

  private long sequence;
  private int number;

  /// @param lastSequence of the log before
  /// @param mayBeSealed whether seals are among what may be written
  LogMaker(PlainRecords records, long lastSequence, boolean mayBeSealed, Feed feed) {
    this.records = records;
    this.mayBeSealed = mayBeSealed;
    this.sequence = lastSequence;
    this.feed = feed;
    log.writeBytes(records.header());
  }

  /// Writes as many steps as the input has.
  byte[] make() {
    while (!feed.isEmpty()) {
      step();
    }
    return log.toByteArray();
  }

  /// Writes so many steps and ends the segment with one that is right.
  byte[] makeSealed(int steps) {
    for (int step = 0; step < steps && !feed.isEmpty(); step++) {
      step();
    }
    return sealed(log.toByteArray());
  }

  private void step() {
    switch (feed.below(20)) {
      case 0, 1, 2, 3, 4, 5, 6 -> put(0);
      case 7, 8 -> write(PlainRecords.DELETE, 0, key(), new byte[0], 0, ++sequence);
      case 9, 10 -> mark();
      case 11, 12 -> batch(0);
      case 13 -> batch(1 + feed.below(3));
      case 14 -> sequence += (byte) feed.next() / 32;
      case 15 -> log.writeBytes(feed.take(8 * feed.below(6)));
      case 16 -> log.writeBytes(new byte[8 * feed.below(40)]);
      case 17 -> damage();
      case 18 -> anyHeader();
      default -> {
        if (mayBeSealed) {
          seal();
        }
      }
    }
  }

  private byte[] key() {
    return ("k" + feed.below(KEYS)).getBytes(StandardCharsets.US_ASCII);
  }

  private byte[] value() {
    byte[] value = new byte[feed.below(48)];
    byte[] label = ("v" + ++number).getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(label, 0, value, 0, Math.min(label.length, value.length));
    return value;
  }

  private void put(long batchLeft) {
    write(PlainRecords.PUT, feed.below(40) / 10, key(), value(), batchLeft, ++sequence);
  }

  private void mark() {
    long said = feed.rarely(4) ? sequence + (byte) feed.next() / 16 : sequence;
    write(PlainRecords.MARK, 0, new byte[0], new byte[0], 0, said);
  }

  /// @param lacking records at its end
  private void batch(int lacking) {
    int count = 1 + feed.below(4);
    for (int left = count - 1; left >= lacking; left--) {
      put(left);
    }
  }

  /// Turns bits over in what was written last.
  private void damage() {
    byte[] all = log.toByteArray();
    int body = all.length - PlainRecords.SEGMENT_HEADER_BYTES;
    int at = all.length - 1 - Math.min(feed.next(), body - 1);
    if (body == 0) {
      return;
    }
    all[at] ^= (byte) (1 << feed.below(8));
    log.reset();
    log.writeBytes(all);
  }

  /// A header that says anything, with its checksum made right if it can be a record.
  private void anyHeader() {
    byte[] header = feed.take(PlainRecords.HEADER_BYTES);
    header[4] = (byte) (feed.rarely(4) ? header[4] : 1 + (header[4] & 3));
    header[7] = 0;
    header[10] = 0;
    header[11] = feed.rarely(8) ? header[11] : 0;
    append(header, new byte[feed.next() & -8]);
  }

  private void seal() {
    byte[] value = new byte[24];
    PlainRecords.numbers(value).putLong(0, number).putLong(8, 1).putInt(16, feed.next());
    write(PlainRecords.SEAL, 0, new byte[0], value, 0, sequence);
  }

  private void write(
      int kind, int encoding, byte[] key, byte[] value, long batchLeft, long numbered) {
    byte[] header = new byte[PlainRecords.HEADER_BYTES];
    PlainRecords.numbers(header)
        .putShort(4, (short) (encoding << 8 | kind))
        .putShort(6, (short) key.length)
        .putInt(8, value.length)
        .putInt(12, (int) batchLeft)
        .putLong(16, numbered);
    byte[] body = new byte[PlainRecords.sizeOf(key.length, value.length) - header.length];
    System.arraycopy(key, 0, body, 0, key.length);
    System.arraycopy(value, 0, body, key.length, value.length);
    append(header, body);
  }

  private void append(byte[] header, byte[] body) {
    int at = log.size();
    log.writeBytes(header);
    log.writeBytes(body);
    byte[] all = log.toByteArray();
    if (records.isPossible(all, at)) {
      records.sum(all, at);
      log.reset();
      log.writeBytes(all);
    }
  }

  /// Ends it as the store would: with a seal that is right for whatever whole records it has.
  private byte[] sealed(byte[] file) {
    long count = 0;
    long least = Long.MAX_VALUE;
    long most = 0;
    CRC32C digest = new CRC32C();
    for (PlainRecords.Plain record : records.from(file, PlainRecords.SEGMENT_HEADER_BYTES)) {
      byte[] sum = new byte[4];
      PlainRecords.numbers(sum).putInt(0, record.checksum());
      digest.update(sum);
      if (record.isEntry()) {
        count++;
        least = Math.min(least, record.sequence());
        most = Math.max(most, record.sequence());
      }
    }
    int at = file.length & -8;
    byte[] sealed = Arrays.copyOf(file, at + 56);
    Arrays.fill(sealed, at, sealed.length, (byte) 0);
    PlainRecords.numbers(sealed)
        .put(at + 4, (byte) PlainRecords.SEAL)
        .putInt(at + 8, 24)
        .putLong(at + 16, most)
        .putLong(at + 32, count)
        .putLong(at + 40, least)
        .putInt(at + 48, (int) digest.getValue());
    records.sum(sealed, at);
    return sealed;
  }
}
