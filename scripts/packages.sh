#!/usr/bin/env bash
# Installs the Debian packages that the given groups need, and does nothing when they are all there.
#
#   scripts/packages.sh build          what `cargo build` needs besides Rust
#   scripts/packages.sh cost           what scripts/cost.sh counts with
#   scripts/packages.sh peers          what benches/peers and benches/live compare with
#   scripts/packages.sh dpdk           what the feature `dpdk` builds against and runs with
#   scripts/packages.sh build test     and what the tests drive: real clients, servers, scanners, and tshark as the judge
#
# This is the only list of packages in the repository. Works as root or through sudo; asks no questions.
set -euo pipefail

declare -A groups=(
    # A C compiler and linker: the zstd crate builds its library from source.
    [build]="build-essential pkg-config"
    # tshark reads back exported headers, tcptrace tells of the same captures, ipfixDump (libfixbuf) decodes exported flows, chromium opens
    # the HTML report, python3-venv holds the readers of Parquet from PyPI, systemd judges the unit of the Debian package; the rest make and
    # measure traffic between two network namespaces.
    [test]="python3 python3-venv tshark tcpdump iproute2 ethtool util-linux curl nginx-light iperf3 tcptrace nmap ncat openssh-client openssh-server chromium fonts-dejavu-core systemd adduser libfixbuf-tools"
    # callgrind counts instructions, whatever else the machine does.
    [cost]="build-essential valgrind"
    # What benches/peers and benches/live compare with, and send with; suricata too, where a release has it.
    [peers]="time python3 tcpdump tshark tcptrace argus-server argus-client softflowd nfdump tcpreplay"
    # DPDK's headers come with every one of its drivers: 32 MB to fetch, 164 MB on the disk.
    [dpdk]="build-essential pkg-config libdpdk-dev"
)

usage() {
    echo "usage: scripts/packages.sh GROUP...   (groups: ${!groups[*]})" >&2
    exit 2
}

wanted=()
[ $# -gt 0 ] || usage
for group in "$@"; do
    [ -n "${groups[$group]:-}" ] || usage
    read -ra names <<<"${groups[$group]}"
    wanted+=("${names[@]}")
done

if ! command -v dpkg-query >/dev/null; then
    echo "packages.sh: this is not a Debian system; install the counterparts of: ${wanted[*]}" >&2
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "packages.sh: need root to install: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# The tests start servers of their own; a package's daemon must not start because it was installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
fi

echo "packages.sh: installing ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
"${apt[@]}" update
"${apt[@]}" install --yes --no-install-recommends "${missing[@]}" >/dev/null
