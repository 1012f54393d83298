package zerofs.objectstore;

import java.util.EnumMap;
import java.util.Map;
import zerofs.objectstore.ObjectStore.Cause;

/// Requests by cause and kind, and the bytes they moved, at one moment.
///
/// @param requests by cause, then by kind
/// @param bytesPut bytes of bodies sent
/// @param bytesGot bytes of bodies received
/// @param errors calls that ended with an exception
public record StoreCounters(
    Map<Cause, Map<Request, Long>> requests, long bytesPut, long bytesGot, long errors) {
  /// Kinds of request.
  public enum Request {
    GET,
    PUT,
    DELETE,
    LIST
  }

  public long of(Cause cause, Request request) {
    return requests.getOrDefault(cause, Map.of()).getOrDefault(request, 0L);
  }

  /// Requests of one kind, whatever their cause.
  public long of(Request request) {
    long sum = 0;
    for (Cause cause : Cause.values()) {
      sum += of(cause, request);
    }
    return sum;
  }

  public long total() {
    long sum = 0;
    for (Request request : Request.values()) {
      sum += of(request);
    }
    return sum;
  }

  /// What was added since `before`.
  public StoreCounters since(StoreCounters before) {
    Map<Cause, Map<Request, Long>> difference = new EnumMap<>(Cause.class);
    for (Cause cause : Cause.values()) {
      Map<Request, Long> row = new EnumMap<>(Request.class);
      for (Request request : Request.values()) {
        row.put(request, of(cause, request) - before.of(cause, request));
      }
      difference.put(cause, row);
    }
    return new StoreCounters(
        difference, bytesPut - before.bytesPut, bytesGot - before.bytesGot, errors - before.errors);
  }
}
