//! A campaign with other addresses: no original is anywhere in it, and everything else is as it was.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::{Ran, Row};

const SOURCE: &str = "sim:uplink-lossy,connections=400,seed=11";

/// A key file of one digit over and over.
fn key(room: &Path, digit: char) -> PathBuf {
    let path = room.join(format!("key-{digit}"));
    fs::write(&path, digit.to_string().repeat(64)).expect("a key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a private key");
    path
}

fn record(out: &Path, key: Option<&Path>) -> Ran {
    let mut command = support::command("conntrack-tap");
    command.args(["run", "--shards", "2", "--source", SOURCE]).arg("--out").arg(out);
    if let Some(key) = key {
        command.arg("--anonymise").arg(key);
    }
    command.output().expect("timeout(1) runs").into()
}

fn addresses(rows: &[Row]) -> BTreeSet<IpAddr> {
    let both = rows.iter().flat_map(|row| [&row["orig_h"], &row["resp_h"]]);
    both.map(|text| text.parse().expect("an address")).collect()
}

/// Rows without what an anonymised one has another of, in an order that does not depend on it.
fn figures(rows: &[Row]) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.to_vec();
    for row in &mut rows {
        for column in ["orig_h", "resp_h", "uid"] {
            row.remove(column);
        }
    }
    rows.sort();
    rows
}

/// As hexadecimal digits, in which recorded bytes are printed.
fn hex(address: IpAddr) -> String {
    let bytes = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many leading bits two addresses of one family share.
fn shared(a: IpAddr, b: IpAddr) -> Option<u32> {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Some((a.to_bits() ^ b.to_bits()).leading_zeros()),
        (IpAddr::V6(a), IpAddr::V6(b)) => Some((a.to_bits() ^ b.to_bits()).leading_zeros()),
        _ => None,
    }
}

#[test]
fn no_address_is_left_networks_stay_networks_and_every_figure_is_the_same() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let (plain, masked) = (room.path().join("plain"), room.path().join("masked"));
    record(&plain, None).expect(&[0]);
    record(&masked, Some(&key(room.path(), '7'))).expect(&[0]);
    let [before, after] = [&plain, &masked].map(|campaign| support::connections(campaign));
    assert_eq!(figures(&before), figures(&after));

    let (originals, others) = (addresses(&before), addresses(&after));
    assert_eq!(originals.len(), others.len(), "one for one");
    let fields: BTreeSet<String> = ["connections", "headers", "events"]
        .map(|table| support::report(table, &masked, &["--format", "csv"]))
        .into_iter()
        .chain([fs::read_to_string(masked.join("campaign.json")).expect("a manifest")])
        .flat_map(|text| text.split([',', '"', '\n']).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for address in originals.difference(&others) {
        assert!(!fields.contains(&address.to_string()), "{address} is in the campaign");
    }
    let headers = support::rows("headers", &masked);
    for address in originals.difference(&others).map(|address| hex(*address)) {
        // Four bytes of IPv4 are somewhere by chance; those of the header are these.
        let is_left =
            |bytes: &str| if address.len() == 32 { bytes.contains(&address) } else { bytes[24..40].contains(&address) };
        assert!(!headers.iter().any(|row| is_left(&row["bytes"])), "{address} is in a header");
    }

    let by_start = |rows: &[Row]| -> BTreeMap<(String, String), IpAddr> {
        let host = |row: &Row| row["orig_h"].parse().expect("an address");
        rows.iter().map(|row| ((row["ts"].clone(), row["orig_p"].clone()), host(row))).collect()
    };
    let (before, after) = (by_start(&before), by_start(&after));
    let pairs: Vec<(IpAddr, IpAddr)> = before.iter().map(|(name, host)| (*host, after[name])).collect();
    for (a, b) in pairs.iter().zip(pairs.iter().skip(7)) {
        assert_eq!(shared(a.0, b.0), shared(a.1, b.1), "{a:?} {b:?}");
    }
}

#[test]
fn checksums_stay_right_and_headers_say_the_same_but_for_addresses() {
    if !support::tools(&["tshark"]) {
        return;
    }
    let room = tempfile::tempdir().expect("a temporary directory");
    let campaign = room.path().join("campaign");
    record(&campaign, Some(&key(room.path(), 'a'))).expect(&[0]);
    let capture = room.path().join("headers.pcapng");
    support::report("headers", &campaign, &["--format", "pcapng", "-o", capture.to_str().expect("a path")]);
    let checked = std::process::Command::new("tshark")
        .args(["-o", "ip.check_checksum:TRUE", "-Y", "ip.checksum.status == \"Bad\"", "-r"])
        .arg(&capture)
        .output()
        .expect("tshark runs");
    assert!(checked.status.success() && checked.stdout.is_empty(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn the_same_key_gives_the_same_campaign_and_another_key_another() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let recorded = |name: &str, digit: char| {
        let campaign = room.path().join(name);
        record(&campaign, Some(&key(room.path(), digit))).expect(&[0]);
        let manifest = fs::read_to_string(campaign.join("campaign.json")).expect("a manifest");
        let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        (support::connections(&campaign), manifest["anonymisation"].as_str().expect("a text").to_owned())
    };
    let (one, again, other) = (recorded("one", '1'), recorded("again", '1'), recorded("other", '2'));
    assert!(one == again, "persistent over campaigns");
    assert!(addresses(&one.0) != addresses(&other.0) && one.1 != other.1);
    assert!(one.1.contains("Crypto-PAn"), "{}", one.1);
}

#[test]
fn a_key_that_cannot_be_used_begins_no_campaign() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let campaign = room.path().join("campaign");
    let ran = record(&campaign, Some(&room.path().join("none"))).expect(&[1]);
    assert!(ran.stderr.contains("openssl rand -hex 32"), "{}", ran.stderr);
    let open = key(room.path(), '3');
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).expect("a mode");
    let ran = record(&campaign, Some(&open)).expect(&[1]);
    assert!(ran.stderr.contains("chmod 600"), "{}", ran.stderr);
    assert!(!campaign.exists());
}
