#!/bin/sh
# build/recompile-picocli.sh TARGET: compiles picocli in TARGET/lib from its published sources, unchanged,
# for the Java it runs on. As published its classes are so old that a start-up cache leaves them out.
# TARGET/picocli has the sources, where Maven put them, and keeps what was compiled.
set -eu
cd "$1"
published=$(echo lib/picocli-[0-9]*.jar)
name=$(basename "$published" .jar)
compiled=picocli/$name-compiled.jar
if [ ! -f "$compiled" ] || [ "picocli/$name-sources.jar" -nt "$compiled" ]; then
    jdk=$("$OLDPWD/build/require-jdk25.sh")/bin
    work=$(pwd)/picocli/work
    rm -rf "$work"
    mkdir -p "$work/sources" "$work/classes"
    (cd "$work/sources" && "$jdk/jar" xf "../../$name-sources.jar")
    (cd "$work/classes" && "$jdk/jar" xf "../../../$published" META-INF)
    "$jdk/javac" --release 25 -nowarn -proc:none -g -d "$work/classes" \
        "$work"/sources/picocli/*.java 2>"$work/messages" || {
        cat "$work/messages" >&2
        exit 1
    }
    cp -R "$work/classes/META-INF" "$work/"
    rm -rf "$work/classes/META-INF/MANIFEST.MF"
    # Dated as all that is built, so that the same input gives the same file.
    "$jdk/jar" --create --date 2026-01-01T00:00:00Z --file "$compiled" \
        --manifest "$work/META-INF/MANIFEST.MF" -C "$work/classes" .
    rm -rf "$work"
fi
cmp -s "$compiled" "$published" || cp "$compiled" "$published"
