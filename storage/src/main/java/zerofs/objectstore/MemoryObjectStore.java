package zerofs.objectstore;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/// Objects in memory: strongly consistent, gone with the process. For simulations and benchmarks.
/// Keys are ASCII, so the order of strings is that of their bytes.
public final class MemoryObjectStore implements ObjectStore {
  private final ConcurrentNavigableMap<String, byte[]> objects = new ConcurrentSkipListMap<>();

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause) {
    byte[] object = objects.get(key);
    if (object == null) {
      return null;
    }
    int from = (int) Math.min(offset, object.length);
    int count = Math.min(length, object.length - from);
    return new Fetched(copy(object, from, count), object.length);
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) {
    byte[] object = objects.get(key);
    if (object == null) {
      return null;
    }
    int count = Math.min(length, object.length);
    return new Fetched(copy(object, object.length - count, count), object.length);
  }

  private static ByteBuffer copy(byte[] object, int from, int count) {
    return ByteBuffer.allocate(count).put(object, from, count).flip();
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) {
    byte[] object = body.copied(key).parts().getFirst().array();
    return objects.putIfAbsent(key, object) == null ? PutOutcome.CREATED : PutOutcome.EXISTS;
  }

  @Override
  public void delete(String key, Cause cause) {
    objects.remove(key);
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause) {
    List<Listed> found = new ArrayList<>();
    boolean fromPrefix = prefix.compareTo(startAfter) > 0;
    String from = fromPrefix ? prefix : startAfter;
    for (var each : objects.tailMap(from, fromPrefix).entrySet()) {
      if (!each.getKey().startsWith(prefix) || found.size() == limit) {
        break;
      }
      found.add(new Listed(each.getKey(), each.getValue().length));
    }
    return found;
  }

  /// A store with the objects that this one has now.
  public MemoryObjectStore copy() {
    MemoryObjectStore copy = new MemoryObjectStore();
    copy.objects.putAll(objects);
    return copy;
  }

  /// Replaces the bytes of an object, or removes it (null): damage, for tests.
  public void damage(String key, byte @Nullable [] bytes) {
    if (bytes == null) {
      objects.remove(key);
    } else {
      objects.put(key, bytes.clone());
    }
  }

  @Override
  public void close() {
    // Nothing is held.
  }
}
