//! The Debian package: installed and purged in a root of its own, with the unit as systemd judges it.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

/// Above this `systemd-analyze security` no longer says OK; in tenths.
const EXPOSURE: &str = "30";

fn run(program: &str, arguments: &[&str]) -> support::Ran {
    Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}")).into()
}

/// What is done in a copy of this system's root, of which nothing is left afterwards.
const INSTALL: &str = r#"
set -eu
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay none -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --bind /dev "$1/root/dev"
cp "$2" "$1/root/package.deb"
chroot "$1/root" sh -eu -c '
    export DEBIAN_FRONTEND=noninteractive
    dpkg --install package.deb >/dev/null
    id conntrack
    conntrack-tap config --check /etc/conntrack/tap.toml
    install -d -o conntrack /var/lib/conntrack
    su -s /bin/sh conntrack -c "cd /var/lib/conntrack && conntrack-sim pcap --connections 5 -o x.pcap && \
        conntrack-tap run --quiet --source pcap:x.pcap --out x && conntrack-report verify x" >/dev/null
    test -s /usr/share/man/man1/conntrack-tap-run.1.gz
    systemd-analyze verify --man=no /lib/systemd/system/conntrack-tap.service
    systemd-analyze security --offline=true --threshold='"$3"' /lib/systemd/system/conntrack-tap.service | tail -1
    dpkg --purge conntrack-tap >/dev/null
    test ! -e /usr/bin/conntrack-tap && test ! -e /etc/conntrack/tap.toml
'
"#;

#[test]
fn the_package_installs_its_unit_is_hardened_and_it_goes_without_a_trace() {
    if !support::root() || !support::tools(&["dpkg-deb", "systemd-analyze", "unshare", "adduser"]) {
        return;
    }
    let room = tempfile::tempdir().expect("a temporary directory");
    let tap = support::program("conntrack-tap");
    let programs = tap.parent().and_then(Path::to_str).expect("a program lies in a directory");
    let room_path = room.path().to_str().expect("UTF-8");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/deb.sh");
    let built = run(script, &[programs, room_path]).expect(&[0]);
    let package = built.stdout.trim();
    let away = room.path().join("away");
    fs::create_dir(&away).expect("a directory");
    let away = away.to_str().expect("UTF-8");
    let installed = run("unshare", &["--mount", "sh", "-c", INSTALL, "sh", away, package, EXPOSURE]).expect(&[0]);
    assert!(installed.stdout.contains("(conntrack)"), "{}", installed.stdout);
    assert!(installed.stdout.contains("Overall exposure level"), "{}", installed.stdout);
}
