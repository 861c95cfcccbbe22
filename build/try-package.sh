#!/bin/sh
# build/try-package.sh ARCHIVE: unpacks it where its name has a blank, and fails if its launcher does not
# work there, or says a word too much.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/un packed"
tar -C "$work/un packed" -xzf "$1"
launcher=$(echo "$work/un packed"/*/kvstore)
lib=${launcher%/kvstore}/lib

fail() {
    echo "$1: $2" >&2
    cat "$work/out" "$work/err" >&2
    exit 1
}

# One command line. An image needs no Java but its own.
run() {
    if [ -d "${launcher%/kvstore}/jre" ]; then
        env -i PATH=/usr/bin:/bin ${options:+KVSTORE_JAVA_OPTS="$options"} \
            "$launcher" "$@" >"$work/out" 2>"$work/err" || fail "$*" "status $?"
    else
        KVSTORE_JAVA_OPTS=${options:-} \
            "$launcher" "$@" >"$work/out" 2>"$work/err" || fail "$*" "status $?"
    fi
}

# One command line whose output must be $1 and nothing else.
says() {
    expected=$1
    shift
    run -d "$work/da ta" "$@"
    [ "$(cat "$work/out")" = "$expected" ] || fail "$*" "not what was expected"
    [ ! -s "$work/err" ] || fail "$*" "a message"
}

options=
says "" set key value
says value get key
says value get --raw key
says '{"key":"key","value":"value","type":"string"}' get --json key
printf 'get key\nexit\n' | says value shell
# Nothing to read from, which must not become a file that the JVM has open.
run -d "$work/da ta" set empty - <&-
says "" get empty
run -d "$work/da ta" rm empty
# Starts writers by itself, with the Java and the jars that it has.
run -d "$work/tor ture" torture --minutes 0.05
grep -q '^PASSED' "$work/out" || fail torture "did not pass"
[ ! -e "$work/tor ture" ] || fail torture "left something behind"
if [ -d "${launcher%/kvstore}/jre" ]; then
    # With this the JVM refuses to start without its cache.
    options=-XX:AOTMode=on
    says value get key
    says value get --raw key
    says '{"key":"key","value":"value","type":"string"}' export -
    options=
    # A cache that is damaged, one of another JVM, or none: slower, and not a word.
    head -c 100000 "$lib/kvstore.aot" >"$work/cut"
    cp "$work/cut" "$lib/kvstore.aot"
    says value get key
    rm "$lib/kvstore.aot"
    says value get key
fi
