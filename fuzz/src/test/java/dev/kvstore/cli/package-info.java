/// The readers of the command, fuzzed where they can be reached: [ImportFuzzTest].
@NullMarked
package dev.kvstore.cli;

import org.jspecify.annotations.NullMarked;
