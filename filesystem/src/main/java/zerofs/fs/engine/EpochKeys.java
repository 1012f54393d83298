package zerofs.fs.engine;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.lsm.EpochSalts;
import zerofs.objectstore.StorageException;

/// Keys of objects, derived once and kept while there is room.
final class EpochKeys {
  /// Enough for the segments that a working set lies in; about 300 bytes each.
  private static final int KEYS_MAX = 8192;

  private final FrameCodec codec;
  private final EpochSalts salts;
  private final Map<ObjectId, FrameCodec.ObjectKey> keys = new ConcurrentHashMap<>();

  EpochKeys(FrameCodec codec, EpochSalts salts) {
    this.codec = codec;
    this.salts = salts;
  }

  FrameCodec.ObjectKey key(ObjectId object) throws StorageException {
    FrameCodec.ObjectKey key = keys.get(object);
    if (key == null) {
      key = codec.objectKey(object, salts.salt(object.epoch()));
      if (keys.size() >= KEYS_MAX) {
        keys.clear();
      }
      keys.put(object, key);
    }
    return key;
  }
}
