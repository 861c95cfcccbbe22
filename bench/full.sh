#!/bin/sh
# Everything that docs/benchmarks.md shows: every row, every store. Takes a day or so; results are added to a
# file as they come, and what is there is not measured again, so it may be stopped at any time.
#
#   bench/full.sh FILE.jsonl [option of the driver ...]      for example --peers kvstore,rocksdb
set -u
here=$(CDPATH= cd -- "$(dirname "$0")" && pwd -P) || exit 1
file=${1:-$here/results/full.jsonl}
[ $# -gt 0 ] && shift
failed=0
few=kvstore,rocksdb,lmdb,mapdb,chronicle

run() {
    "$here/run.sh" --peers all --seconds 1 --json "$file" "$@" >/dev/null || failed=1
}

# Everything fits into memory.
run --keys 1000000 --rows each --rounds 3 --limit 300 "$@"
run --keys 10000000 --rows grown --rounds 3 --limit 900 "$@"
# Four times the memory of a cgroup.
run --keys 20000000 --rows large --rounds 3 --limit 900 --peers "$few,leveldb" "$@"
# A hundred million small ones: two rounds, since loading them takes its time.
run --keys 100000000 --value-bytes 16 --rows huge --rounds 2 --limit 1800 --peers "$few" "$@"

"$here/run.sh" --report yes --json "$file"
exit $failed
