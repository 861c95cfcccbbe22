/// What tests of the store, here and in other modules, need: a disk that fails, crashes and forgets.
/// Start at [SimulatedDirectory].
@NullMarked
package dev.kvstore.testkit;

import org.jspecify.annotations.NullMarked;
