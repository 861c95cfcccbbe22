/// Pictures: numbers with names in, SVG out. Start at [Svg], then [Axis], then the charts.
///
/// Knows nothing of stores and rows. Every chart has colors that can be read on white and on black, no
/// background, and no more than what SVG 1.1 has.
@NullMarked
package dev.kvstore.bench.plot;

import org.jspecify.annotations.NullMarked;
