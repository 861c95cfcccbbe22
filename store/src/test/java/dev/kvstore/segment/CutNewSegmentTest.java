package dev.kvstore.segment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.StoreIoException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.io.Preallocation;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The file of a new segment is cut by somebody before its header is written: the writer that needed it gets
/// an error of the store's, and the file is given up.
class CutNewSegmentTest {
  @TempDir private Path temporary;

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static FileHandle cutOnceMapped(FileHandle file) {
    return proxy(
        FileHandle.class,
        (self, method, arguments) -> {
          Object answer = call(file, method, arguments);
          if (method.getName().equals("map")) {
            file.cut(0);
          }
          return answer;
        });
  }

  @ParameterizedTest
  @EnumSource
  void aNewSegmentThatIsCutIsToldAsALostFile(Preallocation preallocation) {
    try (DiskDirectory disk = DiskDirectory.open(temporary, Access.WRITE, false)) {
      Directory directory =
          proxy(
              Directory.class,
              (self, method, arguments) -> {
                Object answer = call(disk, method, arguments);
                return answer instanceof FileHandle file ? cutOnceMapped(file) : answer;
              });
      assertThatExceptionOfType(StoreIoException.class)
          .isThrownBy(() ->
              SegmentWriter.create(directory, new StoreId(1, 2), 1, 64 << 10, 0, preallocation))
          .withMessageContaining(SegmentFormat.segmentName(1))
          .withMessageContaining("memory of the file is gone")
          .withCauseInstanceOf(InternalError.class);
      assertThat(temporary).isEmptyDirectory();
    }
  }
}
