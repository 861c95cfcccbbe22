#!/bin/sh
# Writes the archive of loaded classes that the launcher uses for a faster start. The launcher works
# without it, so a failure here is told and then forgiven.
set -u
cd "$(dirname "$0")/.." || exit 1
archive=cli/target/kvstore.jsa
rm -f "$archive"
store=$(mktemp -d) || exit 0
trap 'rm -rf "$store"' EXIT
# Trained on what is asked most often: one value of a store that is there.
./kvstore --data-dir "$store/data" set key value >/dev/null &&
    KVSTORE_JAVA_OPTS="-XX:ArchiveClassesAtExit=$archive" \
        ./kvstore --data-dir "$store/data" get key >/dev/null ||
    echo "no $archive: the kvstore command starts a little slower" >&2
exit 0
