/// The `kvstore` command. Start at [Main], then [Runner], then the verb you look for.
///
/// - One file per verb, named after it: `get` is GetVerb. [Verbs] is the table of them.
/// - Verbs talk to the store through its public API alone, and reach it through [StoreAccess].
/// - Nothing but results goes to standard output; see [Output] and [Failures] for the rest.
/// - Start-up time is a feature: what a verb does not need is not loaded. No verb but `shell`
///   touches the terminal library, no verb but those with `--json` and the bulk ones the JSON
///   library.
@NullMarked
package dev.kvstore.cli;

import org.jspecify.annotations.NullMarked;
