package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;

class ChartsTest {
  private static final Data SCALE = new Data(1_000_000, 16, 100);

  private static Results results() {
    Lines lines = new Lines(SCALE);
    int factor = 1;
    for (String peer : new String[] {"kvstore", "rocksdb", "lmdb"}) {
      for (String row : new String[] {"get", "miss", "durable-1"}) {
        lines.add(row, peer, "rate", 3e6 / factor, 2e6 / factor);
        lines.add(row, peer, "p50Nanos", 300.0 * factor, 400.0 * factor);
        lines.add(row, peer, "p99Nanos", 3000.0 * factor, 4000.0 * factor);
        lines.add(row, peer, "p999Nanos", 0.1e6 * factor, 0.2e6 * factor);
      }
      lines.add("reopen", peer, "millis", 100.0 * factor);
      lines.add("bytes-16", peer, "anonBytesPerKey", 15.0 * factor);
      for (double at : new double[] {1e4, 1e5, 1e6}) {
        double nanos = 100 * factor + at / 1e4;
        lines.point("growth", peer, at, Map.of("getNanos", nanos, "putNanos", 2 * nanos));
      }
      factor++;
    }
    for (double at : new double[] {1e5, 2e5, 1e6}) {
      for (String direction : new String[] {"growing", "shrinking"}) {
        lines.point(
            "index-growth",
            "kvstore",
            at,
            Map.of("direction", direction, "indexBytesPerKey", 12 + 1e5 / at));
      }
    }
    return lines.results();
  }

  @Test
  void everyChartIsAPictureWithNumbersInIt() throws Exception {
    Map<String, String> charts = new Charts(results()).all();
    assertThat(charts)
        .containsOnlyKeys(
            "throughput",
            "ratios",
            "latency",
            "open",
            "memory",
            "growth-get",
            "growth-put",
            "index-growth");
    for (Map.Entry<String, String> chart : charts.entrySet()) {
      assertThat(chart.getValue()).as(chart.getKey()).doesNotContain("NaN", "Infinity");
      Document document = parse(chart.getValue());
      assertThat(document.getDocumentElement().getTagName()).isEqualTo("svg");
      assertThat(document.getElementsByTagName("text").getLength()).isGreaterThan(5);
    }
  }

  private static Document parse(String svg) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void nothingMeasuredIsNoChart() {
    assertThat(new Charts(Results.NONE).all()).isEmpty();
  }
}
