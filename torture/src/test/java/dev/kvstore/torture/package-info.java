/// Real processes, long runs. Start at [KillRoundsTest].
package dev.kvstore.torture;
