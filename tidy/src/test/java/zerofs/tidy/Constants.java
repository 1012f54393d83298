package zerofs.tidy;

import java.lang.reflect.Field;
import java.lang.reflect.Method;

/// Constants of the code, private ones too.
final class Constants {
  private Constants() {}

  /// The value of `package.Class.NAME`.
  static long number(String constant) {
    int dot = constant.lastIndexOf('.');
    try {
      Field field =
          Class.forName(constant.substring(0, dot)).getDeclaredField(constant.substring(dot + 1));
      field.setAccessible(true);
      return ((Number) field.get(null)).longValue();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("there is no constant " + constant, e);
    }
  }

  /// The stored code of an enum's constant.
  static int code(String enumClass, String name) {
    try {
      for (Object each : Class.forName(enumClass).getEnumConstants()) {
        if (((Enum<?>) each).name().equals(name)) {
          Method code = each.getClass().getDeclaredMethod("code");
          code.setAccessible(true);
          return (int) code.invoke(each);
        }
      }
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("no codes in " + enumClass, e);
    }
    throw new AssertionError(enumClass + " has no " + name);
  }
}
