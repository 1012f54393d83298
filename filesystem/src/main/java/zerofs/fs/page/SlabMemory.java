package zerofs.fs.page;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;

/// Where a slab's memory comes from.
@FunctionalInterface
public interface SlabMemory {
  /// A region of `bytes` zero bytes that lives as long as the process.
  ByteBuffer map(int bytes);

  /// Direct buffers: zeroed and so resident at once. For small slabs and tests.
  static SlabMemory direct() {
    return ByteBuffer::allocateDirect;
  }

  /// Anonymous private mappings: resident only as they are used. An arena would zero them at once
  /// (half a second and all of it resident for 512 MiB). Where mmap is not to be had, direct
  /// buffers.
  static SlabMemory mapped() {
    MethodHandle mmap = Mmap.handle();
    return mmap == null ? direct() : bytes -> Mmap.map(mmap, bytes);
  }

  /// mmap(2) through the foreign-function API.
  final class Mmap {
    private static final int PROT_READ_WRITE = 0x1 | 0x2;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;

    private Mmap() {}

    @SuppressWarnings("restricted")
    static @org.jspecify.annotations.Nullable MethodHandle handle() {
      if (!System.getProperty("os.name", "").equals("Linux")) {
        return null; // MAP_ANONYMOUS has another value elsewhere.
      }
      Linker linker = Linker.nativeLinker();
      return linker
          .defaultLookup()
          .find("mmap")
          .map(
              symbol ->
                  linker.downcallHandle(
                      symbol,
                      FunctionDescriptor.of(
                          ValueLayout.ADDRESS,
                          ValueLayout.ADDRESS,
                          ValueLayout.JAVA_LONG,
                          ValueLayout.JAVA_INT,
                          ValueLayout.JAVA_INT,
                          ValueLayout.JAVA_INT,
                          ValueLayout.JAVA_LONG)))
          .orElse(null);
    }

    @SuppressWarnings("restricted")
    static ByteBuffer map(MethodHandle mmap, int bytes) {
      try {
        MemorySegment address =
            (MemorySegment)
                mmap.invokeExact(
                    MemorySegment.NULL,
                    (long) bytes,
                    PROT_READ_WRITE,
                    MAP_PRIVATE_ANONYMOUS,
                    -1,
                    0L);
        if (address.address() == -1) {
          throw new OutOfMemoryError("mmap of " + bytes + " bytes failed");
        }
        return address.reinterpret(bytes, Arena.global(), null).asByteBuffer();
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("mmap of " + bytes + " bytes", e);
      }
    }
  }
}
