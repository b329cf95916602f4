#!/usr/bin/env bash
# Builds with the feature `dpdk` and tests its sources: on net_pcap and net_af_packet, which need no hardware and no huge pages.
#
#   scripts/dpdk.sh [ARGUMENTS FOR cargo test]
#
# Says "SKIPPED: why" where libdpdk cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! scripts/packages.sh build test dpdk || ! pkg-config --exists libdpdk; then
    echo "SKIPPED: DPDK is not tested: no libdpdk here, and scripts/packages.sh dpdk could not install it"
    exit 0
fi
# The whole workspace, so that dependencies have the features that they have been built with before.
cargo clippy --locked --workspace --all-targets --features tap/dpdk -- -D warnings
# Without a data set the test of agreement has simulated connections alone.
cargo test --locked --workspace --features tap/dpdk --test afxdp "${@:-dpdk}"
