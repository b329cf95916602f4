//! What the tap may still do while it captures: nothing that capturing does not need.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use support::live::Host;
use tempfile::TempDir;

const CLIENT: &str = "10.78.0.1";
const SERVER: &str = "10.78.0.2";

/// `CAP_DAC_OVERRIDE` and `CAP_FOWNER`, as /proc writes sets (capabilities(7)).
const FILES_OF_OTHERS: u64 = 1 << 1 | 1 << 3;

/// Two hosts and a wire.
fn world(test: &str) -> Option<(Host, Host)> {
    if !support::root() || !support::tools(&["ip", "ethtool", "nsenter", "python3", "curl", "ss"]) {
        return None;
    }
    let host = |side: &str| Host::new(format!("cp{test}{}{side}", std::process::id()));
    let (client, server) = (host("c"), host("s"));
    client.connect("wire", &server, "wire");
    client.address("wire", CLIENT);
    server.address("wire", SERVER);
    Some((client, server))
}

/// What each thread of a process is told about itself in /proc, under `name`.
fn of_threads(pid: u32, name: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives");
    let status = |task: &Path| fs::read_to_string(task.join("status")).expect("its threads do");
    let line = |text: String| text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
    tasks.map(|task| line(status(&task.expect("a thread").path())).expect("the kernel tells")).collect()
}

/// One connection from the client to a web server, seen by `tap`, which ends then; its campaign's rows.
fn connect_once(client: &Host, server: &Host, tap: support::live::Tap) -> usize {
    let _web = server.serve(8000, "python3", &["-m", "http.server", "8000", "--bind", SERVER]);
    client.run("curl", &["-s", "-o", "/dev/null", &format!("http://{SERVER}:8000/")]);
    tap.end(Some(8000)).len()
}

#[test]
fn root_keeps_its_way_to_files_and_nothing_else() {
    let Some((client, server)) = world("r") else { return };
    let room = TempDir::new().expect("a directory");
    let tap = server.tap("wire", room.path().join("campaign"));
    for set in ["CapEff:", "CapPrm:", "CapInh:"] {
        for held in of_threads(tap.pid(), set) {
            let held = u64::from_str_radix(&held, 16).expect("a set");
            assert_eq!(held & !FILES_OF_OTHERS, 0, "{set} {held:x}");
        }
    }
    assert_eq!(connect_once(&client, &server, tap), 1);
}

#[test]
fn a_tap_that_goes_on_as_another_user_captures_without_any_privilege() {
    let Some((client, server)) = world("u") else { return };
    let room = TempDir::new().expect("a directory");
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o777)).expect("our directory");
    let campaign = room.path().join("campaign");
    let tap = server.tap_with("wire", campaign.clone(), &["--user", "65534:65534"]);
    let users = of_threads(tap.pid(), "Uid:");
    assert!(users.len() > 2 && users.iter().all(|ids| ids.split_whitespace().all(|id| id == "65534")), "{users:?}");
    let groups = of_threads(tap.pid(), "Groups:");
    assert!(groups.iter().all(|ids| ids == "65534"), "{groups:?}");
    for set in ["CapEff:", "CapPrm:"] {
        assert!(of_threads(tap.pid(), set).iter().all(|held| held == "0000000000000000"), "{set}");
    }
    assert_eq!(fs::metadata(campaign.join("campaign.json")).expect("a campaign").uid(), 65534);
    assert_eq!(connect_once(&client, &server, tap), 1);
}

#[test]
fn a_user_who_is_not_there_is_refused_before_anything_is_made() {
    let room = TempDir::new().expect("a directory");
    let out = room.path().join("campaign");
    let arguments = ["run", "--source", "sim:uplink-small,connections=1", "--user", "no-such-user", "--out"];
    let ran = support::command("conntrack-tap").args(arguments).arg(&out).output().expect("timeout(1) runs");
    let message = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.code() == Some(2) && message.contains("/etc/passwd"), "{message}");
    assert!(!out.exists());
}
