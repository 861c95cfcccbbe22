/// The only code of the store that touches a file. Start at [Directory].
///
/// Knows the public words (for its errors) and the JDK, nothing else of ours. Tests put a simulated
/// directory in the place of the real one; everything above cannot tell the difference.
@NullMarked
package dev.kvstore.io;

import org.jspecify.annotations.NullMarked;
