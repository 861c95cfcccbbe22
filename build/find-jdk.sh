# Sourced, POSIX sh. Finds a Java of version 25 or newer without starting one.
#
#   find_jdk java    sets jdk_home to a home whose bin/java can run the program
#   find_jdk javac   the same, and it can compile
#
# Looks at JAVA25_HOME, JAVA_HOME, the PATH, then the usual places. Who sets JAVA25_HOME means it:
# a wrong one is an error, not a reason to look elsewhere.

jdk_release_min=25

# Sets jdk_version to the feature version of the home $1; empty if there is none.
jdk_read_version() {
    jdk_version=
    if [ -r "$1/release" ]; then
        while read -r jdk_line || [ -n "$jdk_line" ]; do
            case $jdk_line in
                JAVA_VERSION=*)
                    jdk_version=${jdk_line#JAVA_VERSION=}
                    jdk_version=${jdk_version#\"}
                    break
                    ;;
            esac
        done <"$1/release"
    elif [ -x "$1/bin/java" ]; then
        jdk_version=$("$1/bin/java" -version 2>&1 | sed -n 's/.* version "\([^"]*\)".*/\1/p')
    fi
    jdk_version=${jdk_version%%[!0-9]*}
}

# True if the home $1 has the tool $2 and is new enough.
jdk_fits() {
    [ -n "$1" ] && [ -x "$1/bin/$2" ] || return 1
    jdk_read_version "$1"
    [ -n "$jdk_version" ] && [ "$jdk_version" -ge "$jdk_release_min" ]
}

# Sets jdk_path to the file that $1 leads to through links.
jdk_follow() {
    jdk_path=$1
    while [ -L "$jdk_path" ]; do
        jdk_link=$(readlink "$jdk_path")
        case $jdk_link in
            /*) jdk_path=$jdk_link ;;
            *) jdk_path=${jdk_path%/*}/$jdk_link ;;
        esac
    done
}

find_jdk() {
    if [ -n "${JAVA25_HOME:-}" ]; then
        jdk_home=$JAVA25_HOME
        jdk_fits "$jdk_home" "$1" && return 0
        echo "JAVA25_HOME is $JAVA25_HOME: no bin/$1 of Java $jdk_release_min or newer is there." >&2
        return 1
    fi
    jdk_home=${JAVA_HOME:-}
    jdk_fits "$jdk_home" "$1" && return 0
    jdk_path=$(command -v "$1" || :)
    if [ -n "$jdk_path" ]; then
        jdk_follow "$jdk_path"
        jdk_home=${jdk_path%/bin/*}
        jdk_fits "$jdk_home" "$1" && return 0
    fi
    for jdk_home in /usr/lib/jvm/* /usr/java/* /opt/java/* /opt/jdk* \
        "${HOME:-}"/.sdkman/candidates/java/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
        jdk_fits "$jdk_home" "$1" && return 0
    done
    cat >&2 <<EOF
KvStore needs Java $jdk_release_min or newer. None is in JAVA25_HOME, JAVA_HOME, on the PATH or in the usual places.
Install one, for example Eclipse Temurin $jdk_release_min or the Debian and Ubuntu package openjdk-$jdk_release_min-jdk.
If one is installed already, say where: export JAVA25_HOME=<its directory>
EOF
    return 1
}
