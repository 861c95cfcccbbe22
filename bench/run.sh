#!/bin/sh
# Runs the load driver built by "make bench". Arguments go to it. BENCH_JAVA_OPTS replaces the heap.
set -u
here=$(CDPATH= cd -- "$(dirname "$0")" && pwd -P) || exit 1
. "$here/../build/find-jdk.sh"
find_jdk java || exit 1
if [ ! -d "$here/target/lib" ]; then
    echo "bench: there is nothing to run in $here/target; run make bench first" >&2
    exit 1
fi
# A small young generation is soon in use all over, so that no first touch of the heap is measured.
# The flags that some stores need are given to their JVMs only.
exec "$jdk_home/bin/java" ${BENCH_JAVA_OPTS:--Xms4g -Xmx4g -Xmn512m} \
    -Dkvstore.bench.target="$here/target/bench" \
    -cp "$here/target/kvstore-bench.jar:$here/target/lib/*" dev.kvstore.bench.BenchMain "$@"
