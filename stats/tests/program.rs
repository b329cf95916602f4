//! How the program behaves on a command line.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use support::{Campaign, printed, program, report};

fn exit(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A sealed file of the table, damaged in its middle.
fn damage(campaign: &Path, table: &str) {
    let day = fs::read_dir(campaign.join(table)).unwrap().next().unwrap().unwrap().path();
    let file = fs::read_dir(day).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 4;
    bytes[4..middle].fill(0xff);
    fs::write(file, bytes).unwrap();
}

#[test]
fn wrong_usage_exits_with_2_and_a_missing_campaign_with_1_and_one_line() {
    for arguments in [
        &[][..],
        &["summary"],
        &["nonsense"],
        &["connections", ".", "--format", "xml"],
        &["connections", ".", "--columns", "nonsense"],
        &["connections", ".", "--format", "zeek", "--columns", "ts"],
        &["headers", ".", "--uid", "x"],
        &["headers", ".", "--columns", "ts"],
    ] {
        let output = report(arguments);
        assert_eq!(exit(&output), 2, "{arguments:?}: {}", complaint(&output));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
    let output = report(&["summary", "/nowhere/at/all"]);
    assert_eq!((exit(&output), complaint(&output).lines().count()), (1, 1));
    assert!(complaint(&output).contains("/nowhere/at/all"));
}

#[test]
fn messages_can_be_json_and_can_be_silenced() {
    let output = report(&["--log-format", "json", "summary", "/nowhere"]);
    let message: serde_json::Value = serde_json::from_str(&complaint(&output)).unwrap();
    assert_eq!(message["level"], "ERROR");
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign::default().write(&dir);
    let dir = dir.to_str().unwrap();
    assert!(complaint(&report(&["-v", "events", dir])).contains("rows of the table events"));
    damage(Path::new(dir), "events");
    assert!(complaint(&report(&["events", dir])).contains("WARN"));
    assert_eq!(complaint(&report(&["-q", "events", dir])), "");
}

#[test]
fn help_and_version_succeed_and_every_subcommand_shows_an_example() {
    let version = printed(&["--version"]);
    assert!(version.starts_with(concat!("conntrack-report ", env!("CARGO_PKG_VERSION"))), "{version}");
    let help = printed(&["--help"]);
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names = commands.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    let names = names.filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty() && *name != "help");
    let subcommands: Vec<&str> = names.collect();
    assert!(subcommands.contains(&"burstiness") && subcommands.len() >= 14, "{subcommands:?}");
    for subcommand in subcommands {
        let help = printed(&[subcommand, "--help"]);
        assert!(help.contains(&format!("  conntrack-report {subcommand}")), "{help}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign { connections: 20_000, headers: false, ..Default::default() }.write(&dir);
    for format in ["csv", "json", "table", "zeek"] {
        let mut child = program()
            .args(["connections", dir.to_str().unwrap(), "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((exit(&output), complaint(&output).as_str()), (0, ""), "{format}");
    }
}

#[test]
fn a_damaged_part_is_left_out_said_and_exits_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign::default().write(&dir);
    damage(&dir, "connections");
    let dir = dir.to_str().unwrap();
    for arguments in [&["connections", dir, "--format", "csv"][..], &["summary", dir]] {
        let output = report(arguments);
        assert_eq!(exit(&output), 3, "{}", complaint(&output));
        assert!(complaint(&output).contains("connections"), "{}", complaint(&output));
    }
    let summary = String::from_utf8(report(&["summary", dir]).stdout).unwrap();
    assert!(summary.contains("could not be read now"), "{summary}");
    assert_eq!(exit(&report(&["headers", dir, "--format", "csv"])), 0, "other tables are whole");
}

#[test]
fn verify_says_what_holds_and_what_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign::default().write(&dir);
    let path = dir.to_str().unwrap();
    let clean = printed(&["verify", path]);
    assert!(clean.contains("  ok       ledger") && !clean.contains("FAILED"), "{clean}");
    damage(&dir, "headers");
    let output = report(&["verify", path]);
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(exit(&output), 1);
    assert!(said.contains("FAILED") && said.contains("headers/date="), "{said}");
    assert_eq!(complaint(&output).lines().count(), 1, "{}", complaint(&output));
}

#[test]
fn an_output_file_appears_whole_and_replaces_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign::default().write(&dir);
    let (dir, file) = (dir.to_str().unwrap(), folder.path().join("rows.csv"));
    fs::write(&file, "old").unwrap();
    let printed = printed(&["connections", dir, "--format", "csv"]);
    assert!(report(&["connections", dir, "--format", "csv", "-o", file.to_str().unwrap()]).status.success());
    assert_eq!(fs::read_to_string(&file).unwrap(), printed);
    let output = report(&["connections", dir, "-o", "/nowhere/rows.csv"]);
    assert_eq!(exit(&output), 1);
    assert!(complaint(&output).contains("/nowhere/rows.csv"));
    let output = report(&["summary", dir, "-o", "/dev/full"]);
    assert_eq!((exit(&output), complaint(&output).lines().count()), (1, 1));
}

#[test]
fn completions_and_man_pages_are_made_from_the_command_line_itself() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(printed(&["completions", shell]).contains("conntrack-report"));
    }
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    printed(&["man", pages.to_str().unwrap()]);
    let page = fs::read_to_string(pages.join("conntrack-report-summary.1")).unwrap();
    assert!(page.contains("conntrack") && page.contains(".TH"), "{page}");
}
