/// Parts of the engine under every schedule that the model checker comes to.
@NullMarked
package dev.kvstore.engine;

import org.jspecify.annotations.NullMarked;
