/// The index under random concurrent histories.
@NullMarked
package dev.kvstore.index;

import org.jspecify.annotations.NullMarked;
