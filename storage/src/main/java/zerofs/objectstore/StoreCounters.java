package zerofs.objectstore;

import java.util.EnumMap;
import java.util.Map;
import zerofs.objectstore.ObjectStore.Cause;

/// Requests by cause and kind, how many of them failed, and the bytes they moved, at one moment.
///
/// @param requests by cause, then by kind
/// @param failed calls that ended with an exception
/// @param moved bytes of bodies: received by GETs, sent by PUTs
public record StoreCounters(
    Map<Cause, Map<Request, Long>> requests,
    Map<Cause, Map<Request, Long>> failed,
    Map<Cause, Map<Request, Long>> moved) {
  /// Kinds of request.
  public enum Request {
    GET,
    PUT,
    DELETE,
    LIST
  }

  /// Gives the number of a cause and kind.
  interface Table {
    long of(Cause cause, Request request);
  }

  static Map<Cause, Map<Request, Long>> table(Table numbers) {
    Map<Cause, Map<Request, Long>> table = new EnumMap<>(Cause.class);
    for (Cause cause : Cause.values()) {
      Map<Request, Long> row = new EnumMap<>(Request.class);
      for (Request request : Request.values()) {
        row.put(request, numbers.of(cause, request));
      }
      table.put(cause, row);
    }
    return table;
  }

  private static long number(Map<Cause, Map<Request, Long>> table, Cause cause, Request request) {
    return table.getOrDefault(cause, Map.of()).getOrDefault(request, 0L);
  }

  private static long sum(Map<Cause, Map<Request, Long>> table, Request request) {
    long sum = 0;
    for (Cause cause : Cause.values()) {
      sum += number(table, cause, request);
    }
    return sum;
  }

  private static long sum(Map<Cause, Map<Request, Long>> table) {
    long sum = 0;
    for (Request request : Request.values()) {
      sum += sum(table, request);
    }
    return sum;
  }

  public long of(Cause cause, Request request) {
    return number(requests, cause, request);
  }

  /// Requests of one kind, whatever their cause.
  public long of(Request request) {
    return sum(requests, request);
  }

  public long total() {
    return sum(requests);
  }

  public long errors(Cause cause, Request request) {
    return number(failed, cause, request);
  }

  public long errors() {
    return sum(failed);
  }

  public long bytes(Cause cause, Request request) {
    return number(moved, cause, request);
  }

  /// Bytes of bodies sent.
  public long bytesPut() {
    return sum(moved, Request.PUT);
  }

  /// Bytes of bodies received.
  public long bytesGot() {
    return sum(moved, Request.GET);
  }

  /// What was added since `before`.
  public StoreCounters since(StoreCounters before) {
    return new StoreCounters(
        table((cause, request) -> of(cause, request) - before.of(cause, request)),
        table((cause, request) -> errors(cause, request) - before.errors(cause, request)),
        table((cause, request) -> bytes(cause, request) - before.bytes(cause, request)));
  }
}
