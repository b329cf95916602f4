#!/usr/bin/env bash
# What a packet costs, in numbers that no other work on the machine can change: instructions and allocations a packet, bytes a connection,
# for each case of benches/src/cases.rs, against benches/baseline.tsv.
#
#   scripts/cost.sh              fails where a case costs more than the baseline allows
#   ACCEPT=1 scripts/cost.sh     takes what it finds for the new baseline: say in the commit message why
#
# Instructions may vary by TOLERANCE per cent, since the compiler places code differently after any change; they are compared only where
# the compiler is the baseline's. Allocations and bytes must not grow at all.
set -euo pipefail
cd "$(dirname "$0")/.."

TOLERANCE=${TOLERANCE:-4}
baseline=benches/baseline.tsv

scripts/packages.sh cost
cargo build --quiet --locked --release --package benches --bin cost
program=${CARGO_TARGET_DIR:-target}/release/cost
compiler=$(rustc --version)
found=$(mktemp)
profile=$(mktemp)
trap 'rm -f "$found" "$profile"' EXIT

# One case: name, instructions a packet, allocations in a thousand packets, bytes held a connection.
measure() {
    local name=$1 figures counted packets allocations held
    figures=$(valgrind --tool=callgrind --callgrind-out-file="$profile" --toggle-collect='*measured*' "$program" "$name" 2>/dev/null)
    counted=$(sed -n 's/^\(totals\|summary\): //p' "$profile" | head -1)
    read -r packets allocations held <<<"$figures"
    printf '%s\t%d\t%d\t%d\n' "$name" $((counted / packets)) $((allocations * 1000 / packets)) "$held"
}

{
    echo "# What a packet costs: written by ACCEPT=1 scripts/cost.sh"
    echo "# $compiler"
    printf '# case\tinstructions a packet\tallocations in 1000 packets\tbytes a connection\n'
    "$program" | while read -r name; do measure "$name"; done
} >"$found"

if [ "${ACCEPT:-}" = 1 ]; then
    cp "$found" "$baseline"
    cat "$baseline"
    exit 0
fi

same_compiler=yes
if ! grep -qxF "# $compiler" "$baseline"; then
    same_compiler=no
    echo "cost: SKIPPED: instructions are not compared, because the baseline is of another compiler ($(sed -n 2p "$baseline")): ACCEPT=1 renews it"
fi

awk -F '\t' -v tolerance="$TOLERANCE" -v same_compiler="$same_compiler" '
    /^#/ { next }
    NR == FNR { instructions[$1] = $2; allocations[$1] = $3; bytes[$1] = $4; next }
    FNR == 4 { printf "%-18s %22s %22s %20s\n", "case", "instructions/packet", "allocations/1000", "bytes/connection" }
    !($1 in instructions) { printf "cost: FAILED: the case %s has no baseline\n", $1; failed = 1; next }
    {
        printf "%-18s %10d (was %5d) %10d (was %5d) %8d (was %5d)\n", $1, $2, instructions[$1], $3, allocations[$1], $4, bytes[$1]
        if (same_compiler == "yes" && $2 > instructions[$1] * (1 + tolerance / 100)) {
            printf "cost: FAILED: %s takes %d instructions a packet, %d before: more than %s %% above\n", $1, $2, instructions[$1], tolerance
            failed = 1
        }
        if (same_compiler == "yes" && $2 < instructions[$1] * (1 - tolerance / 100))
            printf "cost: %s takes %d instructions a packet, %d before: keep it with ACCEPT=1 scripts/cost.sh\n", $1, $2, instructions[$1]
        if ($3 > allocations[$1]) { printf "cost: FAILED: %s allocates %d times in 1000 packets, %d before\n", $1, $3, allocations[$1]; failed = 1 }
        if ($4 > bytes[$1]) { printf "cost: FAILED: %s holds %d bytes a connection, %d before\n", $1, $4, bytes[$1]; failed = 1 }
    }
    END { exit failed }
' "$baseline" "$found" || {
    echo "cost: a packet costs more than it did. Find the cause (callgrind_annotate, docs/performance.md), or, where it is worth its price, accept it: ACCEPT=1 scripts/cost.sh"
    exit 1
}
