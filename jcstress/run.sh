#!/bin/sh
# Runs the tests built by "make stress". Arguments go to jcstress: -m sanity, -t ShardLock, -h for all.
set -u
here=$(CDPATH= cd -- "$(dirname "$0")" && pwd -P) || exit 1
. "$here/../build/find-jdk.sh"
find_jdk java || exit 1
if [ ! -d "$here/target/lib" ]; then
    echo "jcstress: there is nothing to run in $here/target; run make stress first" >&2
    exit 1
fi
mkdir -p "$here/target/jcstress" && cd "$here/target/jcstress" || exit 1
exec "$jdk_home/bin/java" -cp "$here/target/test-classes:$here/target/lib/*" org.openjdk.jcstress.Main -r report "$@"
