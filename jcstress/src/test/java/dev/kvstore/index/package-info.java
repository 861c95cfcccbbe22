/// What threads may see of each other in the real classes of this package, tried out on the processor by
/// jcstress. One class for each edge; what is forbidden says why.
@NullMarked
package dev.kvstore.index;

import org.jspecify.annotations.NullMarked;
