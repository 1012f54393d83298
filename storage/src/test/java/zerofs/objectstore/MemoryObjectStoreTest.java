package zerofs.objectstore;

class MemoryObjectStoreTest extends ObjectStoreContract {
  @Override
  ObjectStore store() {
    return new MemoryObjectStore();
  }
}
