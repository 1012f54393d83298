package zerofs.bench;

import java.util.List;
import java.util.Map;

/// One line of the table: a benchmark with parameters.
///
/// @param name unique; aims refer to it
/// @param bytes that one operation moves; 0 where a rate says nothing
record Row(
    String name,
    Class<?> type,
    String method,
    Map<String, String> parameters,
    int threads,
    long bytes,
    Aim aim) {
  private static final int BLOCK = CalibrationBench.BLOCK_BYTES;
  private static final long MIB = 1 << 20;

  /// What a row should reach.
  sealed interface Aim {
    record None() implements Aim {}

    record Micros(double most) implements Aim {}

    /// At most so much longer than another row takes.
    record MicrosOver(String row, double most) implements Aim {}

    /// At least this share of another row's rate.
    record ShareOfRate(String row, double least) implements Aim {}

    /// Two threads do at least this share of what two threads of another row gain.
    record Scaling(String alone, String otherAlone, String other, double least) implements Aim {}
  }

  private static final Aim NONE = new Aim.None();

  private static Row of(String name, Class<?> type, String method, int threads, int bytes) {
    return new Row(name, type, method, Map.of(), threads, bytes, NONE);
  }

  private Row with(String key, String value) {
    return new Row(name, type, method, Map.of(key, value), threads, bytes, aim);
  }

  private Row aims(Aim newAim) {
    return new Row(name, type, method, parameters, threads, bytes, newAim);
  }

  private Row atMost(double micros) {
    return aims(new Aim.Micros(micros));
  }

  private static Row io(String name, Class<?> type, String method, int threads, int bytes) {
    return of(name, type, method, threads, bytes).with("ioBytes", Integer.toString(bytes));
  }

  private static Row scaling(String what, Class<?> type, String method, int bytes) {
    return io(what + ", 2 threads", type, method, 2, bytes)
        .aims(new Aim.Scaling(what, "memcpy 32 KiB", "memcpy 32 KiB, 2 threads", 0.85));
  }

  /// @param bound the compression whose rate it is measured by
  private static Row stream(String compression, String bound) {
    return new Row(
        "sequential write, " + compression,
        StreamBench.class,
        "write",
        Map.of("compression", compression),
        1,
        256 * MIB,
        new Aim.ShareOfRate("compress and seal, " + bound + ", 2 threads", 0.8));
  }

  /// All rows, in the order in which they run: what is compared runs side by side.
  static List<Row> all() {
    Class<?> machine = CalibrationBench.class;
    return List.of(
        of("cipher 32 KiB", machine, "seal", 1, BLOCK),
        of("zstd-3 32 KiB", machine, "zstd3", 1, BLOCK),
        of("lz4 32 KiB", machine, "lz4", 1, BLOCK),
        of("compress and seal, zstd-3", machine, "frame", 1, BLOCK).with("compression", "zstd-3"),
        of("compress and seal, zstd-3, 2 threads", machine, "frame", 2, BLOCK)
            .with("compression", "zstd-3"),
        stream("zstd-3", "zstd-3"),
        of("compress and seal, lz4", machine, "frame", 1, BLOCK).with("compression", "lz4"),
        of("compress and seal, lz4, 2 threads", machine, "frame", 2, BLOCK)
            .with("compression", "lz4"),
        stream("lz4", "lz4"),
        stream("auto", "lz4"),
        of("memcpy 32 KiB", machine, "memcpy", 1, BLOCK),
        of("memcpy 32 KiB, 2 threads", machine, "memcpy", 2, BLOCK),
        io("read 32 KiB", ReadBench.class, "random", 1, BLOCK),
        scaling("read 32 KiB", ReadBench.class, "random", BLOCK),
        io("overwrite 32 KiB", WriteBench.class, "overwrite", 1, BLOCK),
        scaling("overwrite 32 KiB", WriteBench.class, "overwrite", BLOCK),
        io("read 4 KiB", ReadBench.class, "random", 1, 4096).atMost(1),
        scaling("read 4 KiB", ReadBench.class, "random", 4096),
        io("overwrite 4 KiB", WriteBench.class, "overwrite", 1, 4096).atMost(3),
        scaling("overwrite 4 KiB", WriteBench.class, "overwrite", 4096),
        of("overwrite 4 KiB in 64 MiB", WriteBench.class, "overwrite", 1, 4096)
            .with("fileMib", "64"),
        io("sequential read 1 MiB", ReadBench.class, "sequential", 1, 1 << 20),
        of("append 100 B", WriteBench.class, "append", 1, 100).atMost(1),
        of("getattr", ReadBench.class, "getattr", 1, 0).atMost(0.3),
        of("lookup", ReadBench.class, "lookup", 1, 0),
        of("create", NamespaceBench.class, "create", 1, 0).atMost(4),
        of("rename", NamespaceBench.class, "rename", 1, 0),
        of("unlink", NamespaceBench.class, "unlink", 1, 0),
        of("bare put, 14 kB", BarrierBench.class, "barePut", 1, 0),
        of("write 4 KiB and barrier", BarrierBench.class, "write", 1, 0)
            .aims(new Aim.MicrosOver("bare put, 14 kB", 400)));
  }
}
