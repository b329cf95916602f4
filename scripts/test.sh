#!/usr/bin/env bash
# Runs every test: units, properties, documentation examples, and the end-to-end tests that drive the built programs.
#
#   scripts/test.sh [ARGUMENTS FOR cargo test]
#
# Tests that need root, a tool or the data set beside the clone say "SKIPPED: why" where they lack it; the list comes again at
# the end. With CONNTRACK_REQUIRE_ALL=1 such a test fails instead.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/packages.sh build test
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test --locked --workspace --no-fail-fast "$@" 2>&1 </dev/null | tee "$log"

if grep -q 'SKIPPED: ' "$log"; then
    echo
    echo "Not everything could be tested here:"
    grep -o 'SKIPPED: .*' "$log" | sort -u
fi
