#!/bin/sh
# build/package.sh VERSION: puts what "make build" made into target/kvstore-VERSION.tar.gz.
set -eu
cd "$(dirname "$0")/.."
name=kvstore-$1
tree=target/$name
rm -rf "$tree" "$tree.tar.gz"
mkdir -p "$tree/lib" "$tree/man"
cp kvstore LICENSE NOTICE "$tree/"
for page in README.md CHANGELOG.md; do
    [ ! -f "$page" ] || cp "$page" "$tree/"
done
cp cli/src/main/man/kvstore.1 "$tree/man/"
cp build/find-jdk.sh cli/target/kvstore-cli-*.jar cli/target/lib/*.jar "$tree/lib/"
# The same input gives the same file where tar can be told to leave out the surroundings.
if tar --version 2>/dev/null | grep -q GNU; then
    tar -C target --sort=name --mtime=2026-01-01T00:00:00Z --owner=0 --group=0 --numeric-owner \
        --mode=go=rX,u+rw,a-s -cf - "$name" | gzip -9n >"$tree.tar.gz"
else
    tar -C target -czf "$tree.tar.gz" "$name"
fi
echo "$tree.tar.gz"
