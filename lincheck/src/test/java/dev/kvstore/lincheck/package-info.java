/// Random concurrent histories, each of which must be explained by some order of its calls.
///
/// [Effort] says how many are tried. The store is checked here, parts of it in packages of the same names
/// as theirs.
@NullMarked
package dev.kvstore.lincheck;

import org.jspecify.annotations.NullMarked;
