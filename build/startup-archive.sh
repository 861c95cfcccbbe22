#!/bin/sh
# Writes the archive of loaded classes that the launcher uses for a faster start. The launcher works
# without it, so a failure here is told and then forgiven.
set -u
cd "$(dirname "$0")/.." || exit 1
archive=cli/target/kvstore.jsa
rm -f "$archive"
KVSTORE_JAVA_OPTS="-XX:ArchiveClassesAtExit=$archive" ./kvstore --version >/dev/null ||
    echo "no $archive: the kvstore command starts a little slower" >&2
exit 0
