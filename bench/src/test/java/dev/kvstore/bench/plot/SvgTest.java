package dev.kvstore.bench.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;

class SvgTest {
  private static Document parse(String svg) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void textIsEscaped() throws Exception {
    Svg svg = new Svg();
    svg.text("a < b & \"c\"", 1, 2, Svg.Anchor.START);
    Document document = parse(svg.finish("x > y & z", 10, 10));
    assertThat(document.getElementsByTagName("text").item(0).getTextContent())
        .isEqualTo("a < b & \"c\"");
    assertThat(document.getElementsByTagName("title").item(0).getTextContent())
        .isEqualTo("x > y & z");
  }

  @Test
  void numbersHaveADotWhateverTheLocale() throws Exception {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.GERMANY);
    try {
      Svg svg = new Svg();
      svg.polyline(List.of(new Svg.Point(1.5, 2.5), new Svg.Point(3.25, 4)), "#000000", 1.5);
      assertThat(svg.finish("", 10, 10)).contains("1.5,2.5 3.3,4.0");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void theLongestBarIsTheFirst() throws Exception {
    String svg =
        new BarChart(
                "title",
                "subtitle",
                List.of(
                    new BarChart.Panel(
                        "panel",
                        List.of(
                            new BarChart.Bar("short", 1, "1/s", "#111111", false),
                            new BarChart.Bar("long", 4, "4/s", "#222222", true)))))
            .svg();
    var bars = parse(svg).getElementsByTagName("rect");
    assertThat(bars.getLength()).isEqualTo(2);
    double first =
        Double.parseDouble(bars.item(0).getAttributes().getNamedItem("width").getNodeValue());
    double second =
        Double.parseDouble(bars.item(1).getAttributes().getNamedItem("width").getNodeValue());
    assertThat(first).isEqualTo(4 * second, within(0.5));
  }
}
