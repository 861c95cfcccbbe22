#!/bin/sh
# Fuzzes one target after the other: run.sh MINUTES [Class#method ...]; without names, all.
# What fails an assertion is left among the test resources, as an input of its target from then on; what
# reached new code is kept in .cifuzz-corpus for the next time.
set -u
here=$(CDPATH= cd -- "$(dirname "$0")" && pwd -P) || exit 1
cd "$here/.." || exit 1
minutes=$1
shift
if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046 # names without blanks
    set -- $(cd fuzz/src/test/java && grep -A1 -r --include='*FuzzTest.java' '^  @FuzzTest' . |
        sed -n 's:^.*/\([A-Za-z]*\)\.java-  void \([A-Za-z]*\)(.*:\1#\2:p' | sort)
fi
JAVA_HOME=$(build/require-jdk25.sh) || exit 1
export JAVA_HOME JAZZER_FUZZ=1 JAZZER_MAX_DURATION="${minutes}m"
export MAVEN_OPTS="--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED ${MAVEN_OPTS:-}"
mkdir -p fuzz/target/fuzz
failed=
for target in "$@"; do
    log=fuzz/target/fuzz/$target.log
    # shellcheck disable=SC2086 # several flags
    mvn -B -ntp ${MVN_FLAGS:-} -q -Pproofs -pl fuzz -am test -Dtest="$target" >"$log" 2>&1
    result=$?
    last=$(grep -aE '^#[0-9]+.* cov: ' "$log" | tail -n 1 | sed 's/ corp: .*exec/ exec/; s/ rss: .*//; s/[[:space:]]\{1,\}/ /g')
    if [ $result -eq 0 ]; then
        echo "$target: clean, $last"
    else
        echo "$target: FAILED, $last; see $log"
        failed="$failed $target"
    fi
done
[ -z "$failed" ]
