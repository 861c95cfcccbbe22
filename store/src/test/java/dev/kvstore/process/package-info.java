/// The store in processes of their own, on disks of the operating system: killed, out of space, out of
/// file handles, out of memory. Start at [FullDiskTest]. What kills
/// writers is in `torture`.
@NullMarked
package dev.kvstore.process;

import org.jspecify.annotations.NullMarked;
