#!/bin/sh
# build/package.sh VERSION: puts what "make build" made into two archives.
#
#   target/kvstore-VERSION.tar.gz            for a machine that has a Java
#   target/kvstore-VERSION-SYSTEM.tar.gz     with a Java runtime and a start-up cache made by it
set -eu
cd "$(dirname "$0")/.."
name=kvstore-$1

# Packs the tree $1. The same input gives the same file where tar can be told to leave out the surroundings.
pack() {
    rm -f "target/$1.tar.gz"
    if tar --version 2>/dev/null | grep -q GNU; then
        tar -C target --sort=name --mtime=2026-01-01T00:00:00Z --owner=0 --group=0 --numeric-owner \
            --mode=go=rX,u+rw,a-s -cf - "$1" | gzip -9n >"target/$1.tar.gz"
    else
        tar -C target -czf "target/$1.tar.gz" "$1"
    fi
    build/try-package.sh "target/$1.tar.gz"
    echo "target/$1.tar.gz"
}

tree=target/$name
rm -rf "$tree"
mkdir -p "$tree/lib" "$tree/man"
cp kvstore LICENSE NOTICE "$tree/"
for page in README.md CHANGELOG.md; do
    [ ! -f "$page" ] || cp "$page" "$tree/"
done
cp cli/src/main/man/kvstore.1 "$tree/man/"
cp build/find-jdk.sh cli/target/kvstore-cli-*.jar cli/target/lib/*.jar "$tree/lib/"
pack "$name"

# What the jars use: JLine logs and takes signals; the rest is for whoever has to look into a JVM.
modules=java.base,java.logging,jdk.unsupported,jdk.jfr,jdk.management
jdk=$(build/require-jdk25.sh)
if [ ! -x "$jdk/bin/jlink" ]; then
    echo "no archive with a Java runtime: $jdk has no jlink" >&2
    exit 0
fi
image=$name-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)
tree=target/$image
rm -rf "$tree"
cp -R "target/$name" "$tree"
"$jdk/bin/jlink" --add-modules "$modules" --no-header-files --no-man-pages \
    --generate-cds-archive --output "$tree/jre" >/dev/null
# The cache knows the dates of the files it was made from: those that they will have when unpacked.
find "$tree" -type f -exec env TZ=UTC touch -t 202601010000 {} +
build/startup-cache.sh "$tree/kvstore" "$tree/lib"
pack "$image"
