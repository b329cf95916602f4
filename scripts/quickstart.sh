#!/usr/bin/env bash
# Builds the programs, records a campaign from a minute of a small simulated uplink, and prints its report.
#
#   scripts/quickstart.sh [DIRECTORY]      a new directory for the capture and the campaign; default target/quickstart
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/packages.sh build
# Without the engine behind `conntrack-report sql`, which takes longer to build than all the rest.
cargo build --locked --release --no-default-features --package tap --package stats --package hwsim
programs=${CARGO_TARGET_DIR:-target}/release

room=${1:-${CARGO_TARGET_DIR:-target}/quickstart}
if [ $# -eq 0 ]; then
    rm -rf "$room"
fi
mkdir -p "$room"

run() {
    echo "+ $*" >&2
    local program=$1
    shift
    "$programs/$program" "$@"
}
run conntrack-sim pcap --scenario uplink-small --seed 1 --output "$room/uplink.pcap" --truth "$room/truth.csv"
run conntrack-tap run --source "pcap:$room/uplink.pcap" --out "$room/campaign" --site quickstart --link simulated
run conntrack-report summary "$room/campaign"
