package zerofs.fs;

import java.util.Arrays;

/// A client's identity, after export rules (root squash) were applied. Ids are unsigned 32-bit
/// numbers. Immutable.
public final class Caller {
  /// The superuser.
  public static final Caller ROOT = new Caller(0, 0);

  private final int uid;
  private final int gid;
  private final int[] groups;

  /// @param groups supplementary groups
  public Caller(int uid, int gid, int... groups) {
    this.uid = uid;
    this.gid = gid;
    this.groups = groups.clone();
  }

  public int uid() {
    return uid;
  }

  public int gid() {
    return gid;
  }

  public boolean isSuperuser() {
    return uid == 0;
  }

  public boolean inGroup(int group) {
    if (gid == group) {
      return true;
    }
    for (int each : groups) {
      if (each == group) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return uid + ":" + gid + (groups.length == 0 ? "" : Arrays.toString(groups));
  }
}
