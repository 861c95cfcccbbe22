/// Writers that are killed, and a record of what they were told. Start at [Torture], then Round, Writer,
/// Ledger, Check.
///
/// Uses the public words of the store and nothing else of ours, so that what it finds is what a user would
/// have found. Shipped with the command, whose verb `torture` is its face; nothing else depends on it.
@NullMarked
package dev.kvstore.torture;

import org.jspecify.annotations.NullMarked;
