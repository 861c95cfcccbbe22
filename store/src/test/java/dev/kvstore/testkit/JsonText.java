package dev.kvstore.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Looks fields up in JSON that the store has written: the first one of that name.
public final class JsonText {
  private JsonText() {}

  public static long number(String json, String name) {
    return Long.parseLong(first(json, "\"" + name + "\": ?(\\d+)"));
  }

  public static String text(String json, String name) {
    return first(json, "\"" + name + "\": ?\"([^\"]*)\"");
  }

  private static String first(String json, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(json);
    assertThat(matcher.find()).as(pattern + " in " + json).isTrue();
    return matcher.group(1);
  }
}
