#!/bin/sh
# build/startup-cache.sh LAUNCHER LIB: writes LIB/kvstore.aot, the classes that a short command loads as
# the JVM links them, for a faster start. It fits the very JVM and jars that LAUNCHER uses here. The
# launcher works without it, so a failure is told and then forgiven. If the tree has a Java of its own
# (../jre), the forms of method handles that the command needs are added to the list from which the cache
# takes them, its lib/classlist.
set -u
lib=$(CDPATH= cd -- "$2" && pwd) || exit 1
launcher=$(CDPATH= cd -- "$(dirname -- "$1")" && pwd)/$(basename -- "$1")
# The name goes through words of options: relative, so that no directory can break it.
cd "$lib" || exit 1
cache=kvstore.aot
rm -f "$cache"
store=$(mktemp -d) || exit 0
trap 'rm -rf "$store"; rm -f "$cache.training" "$cache.classes"' EXIT
trap 'exit 1' INT TERM
# Trained on what is asked most often, one value of a store that is there; with an option, so that the
# parser of arguments is in it too, and by a key of a usual length, since short ones are hashed by other
# code. In two steps, since the one that does both passes the class path on in a variable, where a blank
# in it would break it.
key=user:0123456789
with() {
    KVSTORE_JAVA_OPTS=$1 "$launcher" --data-dir "$store/data" get --raw "$key" >/dev/null
}
needed_forms() {
    with "-Xshare:off -XX:DumpLoadedClassList=$cache.classes" &&
        grep '^@lambda-form-invoker' "$cache.classes" | sort -u
}
"$launcher" --data-dir "$store/data" set "$key" value >/dev/null &&
    { [ ! -w ../jre/lib/classlist ] || needed_forms >>../jre/lib/classlist || :; } &&
    with "-XX:AOTMode=record -XX:AOTConfiguration=$cache.training" &&
    with "-XX:AOTMode=create -XX:AOTConfiguration=$cache.training -XX:AOTCache=$cache"
[ -f "$cache" ] || echo "no $lib/$cache: the kvstore command starts a little slower" >&2
exit 0
