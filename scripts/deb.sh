#!/usr/bin/env bash
# Builds the Debian package of the appliance: the three programs, man pages, completions, the unit, its configuration and documentation.
#
#   scripts/deb.sh                     builds the programs optimised, then target/debian/conntrack-tap_VERSION_ARCH.deb
#   scripts/deb.sh PROGRAMS OUTPUT     packs the programs that lie in PROGRAMS, into the directory OUTPUT
#
# Needs dpkg-deb and nothing else that a Debian system lacks.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=${1:-}
output=${2:-target/debian}
if [ -z "$programs" ]; then
    cargo build --locked --release --workspace --bins
    programs=${CARGO_TARGET_DIR:-target}/release
fi

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
architecture=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

put() { install -D -m "$1" "$2" "$root/$3"; }

for program in conntrack-tap conntrack-report conntrack-sim; do
    put 755 "$programs/$program" "usr/bin/$program"
    put 644 /dev/stdin "usr/share/bash-completion/completions/$program" < <("$programs/$program" completions bash)
    mkdir -p "$root/usr/share/man/man1"
    "$programs/$program" man "$root/usr/share/man/man1"
done
strip --strip-unneeded "$root"/usr/bin/*
gzip -9n "$root"/usr/share/man/man1/*
put 644 packaging/conntrack-tap.service lib/systemd/system/conntrack-tap.service
put 644 packaging/debian/default etc/default/conntrack-tap
put 644 packaging/debian/tap.toml etc/conntrack/tap.toml
for file in README.md LICENSE-MIT LICENSE-APACHE docs/operations.md packaging/afxdp.conf.example packaging/alerts.yml \
    packaging/grafana-dashboard.json; do
    put 644 "$file" "usr/share/doc/conntrack-tap/$(basename "$file")"
done

mkdir "$root/DEBIAN"
install -m 755 packaging/debian/postinst packaging/debian/prerm packaging/debian/postrm "$root/DEBIAN"
printf '%s\n' /etc/default/conntrack-tap /etc/conntrack/tap.toml >"$root/DEBIAN/conffiles"
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
cat >"$root/DEBIAN/control" <<END
Package: conntrack-tap
Version: $version
Architecture: $architecture
Maintainer: The conntrack developers <conntrack@localhost>
Installed-Size: $size
Depends: libc6 (>= 2.36), adduser
Recommends: systemd
Section: net
Priority: optional
Description: passive TCP connection tracker
 Records every TCP connection that passes a mirror port, an optical splitter or an inline tap: who, when, how it opened, what
 flowed, and how it ended, with the first headers of each, as Parquet files that anything can read.
END

mkdir -p "$output"
package=$output/conntrack-tap_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zzstd -z3 --build "$root" "$package" >&2
echo "$package"
