package dev.kvstore.testkit;

import dev.kvstore.io.Access;
import dev.kvstore.io.FileHandle;
import dev.kvstore.io.Preallocation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// A file of a [SimulatedDirectory], whose monitor guards everything here.
final class SimulatedFile implements FileHandle {
  private final SimulatedDirectory directory;
  private final FileHandle inner;
  private final Inode inode;
  private final Access access;
  private final List<Arena> arenas = new ArrayList<>();
  private boolean closed;

  SimulatedFile(SimulatedDirectory directory, FileHandle inner, Inode inode, Access access) {
    this.directory = directory;
    this.inner = inner;
    this.inode = inode;
    this.access = access;
  }

  @Override
  public String name() {
    return inner.name();
  }

  @Override
  public long size() {
    synchronized (directory) {
      Call call = directory.begin("size", name());
      directory.failBefore(call);
      long size = inner.size();
      directory.failAfter(call);
      return size;
    }
  }

  @Override
  public void read(long offset, byte[] target, int from, int length) {
    synchronized (directory) {
      Call call = directory.begin("read", name());
      if (directory.isHalfWay(call)) {
        inner.read(offset, target, from, length / 2);
      }
      directory.failBefore(call);
      inner.read(offset, target, from, length);
      directory.failAfter(call);
    }
  }

  @Override
  public void read(long offset, MemorySegment target) {
    synchronized (directory) {
      Call call = directory.begin("read", name());
      if (directory.isHalfWay(call)) {
        inner.read(offset, target.asSlice(0, target.byteSize() / 2));
      }
      directory.failBefore(call);
      inner.read(offset, target);
      directory.failAfter(call);
    }
  }

  @Override
  public void write(long offset, MemorySegment bytes) {
    synchronized (directory) {
      Call call = directory.beginChange("write", name());
      if (directory.isHalfWay(call)) {
        inner.write(offset, bytes.asSlice(0, bytes.byteSize() / 2));
      }
      directory.failBefore(call);
      inner.write(offset, bytes);
      inode.written(offset, offset + bytes.byteSize());
      directory.failAfter(call);
    }
  }

  @Override
  public void fillZero(long offset, long end, Preallocation preallocation) {
    synchronized (directory) {
      Call call = directory.beginChange("fillZero", name());
      if (directory.isHalfWay(call) && offset < end) {
        inner.fillZero(offset, offset + (end - offset) / 2, preallocation);
      }
      directory.failBefore(call);
      inner.fillZero(offset, end, preallocation);
      directory.failAfter(call);
    }
  }

  @Override
  public void cut(long size) {
    synchronized (directory) {
      Call call = directory.beginChange("cut", name());
      directory.failBefore(call);
      inner.cut(size);
      directory.failAfter(call);
    }
  }

  @Override
  public void force() {
    synchronized (directory) {
      beginForce(0, Long.MAX_VALUE);
      inner.force();
      inode.force(content());
    }
  }

  @Override
  public void force(MemorySegment mapping, long from, long to) {
    synchronized (directory) {
      beginForce(from, to);
      inner.force(mapping, from, to);
      boolean interrupted = Thread.interrupted(); // content() enters the channel, the call did not
      inode.force(content(), from, to);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void beginForce(long from, long to) {
    Call call = directory.beginChange("force", name());
    Fault fault = directory.faultOf(call);
    if (fault != null) {
      inode.failForce(content(), from, to, page -> directory.arrivesAllTheSame());
      throw directory.failed(call, fault);
    }
    directory.half(call);
  }

  @Override
  public MemorySegment map(long size, Access mapAccess, Arena arena) {
    synchronized (directory) {
      Call call =
          mapAccess == Access.READ
              ? directory.begin("map", name())
              : directory.beginChange("map", name());
      directory.failBefore(call);
      directory.failAfter(call);
      MemorySegment mapped = inner.map(size, mapAccess, arena);
      arenas.add(arena);
      return mapped;
    }
  }

  @Override
  public MemorySegment mapCopy(long offset, long size, Arena arena) {
    synchronized (directory) {
      Call call = directory.begin("map", name());
      directory.failBefore(call);
      directory.failAfter(call);
      MemorySegment copy = inner.mapCopy(offset, size, arena);
      arenas.add(arena);
      return copy;
    }
  }

  @Override
  public void close() {
    synchronized (directory) {
      closed = true;
      inner.close();
    }
  }

  private byte[] content() {
    byte[] content = new byte[Math.toIntExact(inner.size())];
    inner.read(0, content, 0, content.length);
    return content;
  }

  /// What of it is open or mapped.
  List<String> open() {
    List<String> open = new ArrayList<>();
    if (!closed) {
      open.add(name() + " open for " + access);
    }
    for (Arena arena : arenas) {
      if (arena.scope().isAlive()) {
        open.add(name() + " mapped");
      }
    }
    return open;
  }

  void discard() {
    close();
    for (Arena arena : arenas) {
      if (arena.scope().isAlive()) {
        try {
          arena.close();
        } catch (UnsupportedOperationException | IllegalStateException | WrongThreadException e) {
          // Not one that can be closed, or not by us.
        }
      }
    }
  }
}
