/// Ready-made codecs for [dev.kvstore.KvMap]: [Keys], whose bytes sort like the keys do, and [Values].
///
/// Knows the public words of the store and the JDK, nothing else.
@NullMarked
package dev.kvstore.codec;

import org.jspecify.annotations.NullMarked;
