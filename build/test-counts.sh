#!/bin/sh
# Adds up what the last test run of each module reported.
set -u
cd "$(dirname "$0")/.." || exit 1
for reports in */target/surefire-reports; do
    [ -d "$reports" ] || continue
    module=${reports%%/*}
    cat "$reports"/*.txt 2>/dev/null | sed -n 's/^Tests run: //p' | awk -F '[:,]' -v module="$module" '
        { run += $1; failures += $3; errors += $5; skipped += $7 }
        END {
            printf "%-8s tests run: %d, failures: %d, errors: %d, skipped: %d\n",
                module, run, failures, errors, skipped
        }'
done
