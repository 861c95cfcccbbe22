#!/bin/sh
# Prints the home of a JDK 25 or newer, or says on stderr how to get one and exits with 1.
set -u
. "$(dirname "$0")/find-jdk.sh"
find_jdk javac || exit 1
printf '%s\n' "$jdk_home"
