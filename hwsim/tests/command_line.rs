//! The program as users call it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn sim(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conntrack-sim")).args(args).current_dir(dir).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_list_names_every_scenario_with_a_sentence() {
    let dir = TempDir::new().unwrap();
    let output = sim(&["list"], dir.path());
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for name in hwsim::scenario::SCENARIOS.iter().map(|scenario| scenario.name) {
        assert!(text.lines().any(|line| line.starts_with(name) && line.len() > name.len() + 20), "{name} in {text}");
    }
}

#[test]
fn the_list_names_every_device_with_a_sentence() {
    let dir = TempDir::new().unwrap();
    let text = String::from_utf8(sim(&["list"], dir.path()).stdout).unwrap();
    for device in hwsim::hardware::DEVICES {
        assert!(text.lines().any(|line| line.starts_with(device.name) && line.ends_with(device.about)), "{text}");
    }
}

/// The frames of a pcap file: instant in ns, and the record without it.
fn frames(dir: &TempDir, file: &str) -> Vec<(u64, Vec<u8>)> {
    let bytes = fs::read(dir.path().join(file)).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut frames, mut at) = (Vec::new(), 24);
    while at < bytes.len() {
        let next = at + 16 + word(at + 8) as usize;
        frames.push((u64::from(word(at)) * 1_000_000_000 + u64::from(word(at + 4)), bytes[at + 8..next].to_vec()));
        at = next;
    }
    frames
}

#[test]
fn a_device_loses_frames_and_errs_in_time_and_leaves_the_truth_alone() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, options: &[&str]| {
        let truth = format!("{name}.csv");
        let args = ["pcap", "--connections", "100", "-o", name, "--truth", &truth];
        let output = sim(&[&args[..], options].concat(), dir.path());
        assert!(output.status.success(), "{}", stderr(&output));
        (frames(&dir, name), fs::read(dir.path().join(truth)).unwrap(), stderr(&output))
    };
    let (whole, truth, said) = write("whole", &[]);
    assert!(!said.contains("misses"), "{said}");
    let (lossy, same, said) = write("lossy", &["--loss", "0.1"]);
    let lost = whole.len() - lossy.len();
    assert!(lossy.iter().all(|frame| whole.contains(frame)) && same == truth);
    assert!(
        (lost as f64 / whole.len() as f64 - 0.1).abs() < 0.02 && said.contains(&format!("the capture misses {lost}"))
    );
    let clock = ["--clock-offset=-1000", "--clock-drift", "2000000", "--clock-step", "0.5:-0.25", "--clock-tick", "10"];
    let (wrong, same, _) = write("wrong", &clock);
    assert!(same == truth);
    for ((right, _), (shown, _)) in whole.iter().zip(&wrong) {
        let elapsed = right - whole[0].0;
        let stepped = if elapsed >= 500_000_000 { 250_000_000 } else { 0 };
        assert_eq!(*shown, (right - 1000 + elapsed / 500 - stepped) / 10 * 10);
    }
}

#[test]
fn pcapng_goes_by_the_name_or_the_option_also_where_it_is_compressed() {
    let dir = TempDir::new().unwrap();
    let write = |args: &[&str]| {
        let output = sim(&[&["pcap", "-q", "--connections", "20"], args].concat(), dir.path());
        assert!(output.status.success(), "{}", stderr(&output));
        output.stdout
    };
    write(&["-o", "a.pcapng"]);
    let plain = fs::read(dir.path().join("a.pcapng")).unwrap();
    assert_eq!(plain[..4], 0x0a0d_0d0a_u32.to_le_bytes());
    assert_eq!(write(&["--format", "pcapng", "-o", "-"]), plain);
    write(&["-o", "a.pcapng.zst"]);
    assert_eq!(zstd::decode_all(fs::File::open(dir.path().join("a.pcapng.zst")).unwrap()).unwrap(), plain);
    write(&["--format", "pcap", "-o", "b.pcapng"]);
    assert_eq!(fs::read(dir.path().join("b.pcapng")).unwrap()[..4], 0xa1b2_3c4d_u32.to_le_bytes());
}

#[test]
fn completions_and_man_pages_are_there() {
    let dir = TempDir::new().unwrap();
    let script = String::from_utf8(sim(&["completions", "bash"], dir.path()).stdout).unwrap();
    assert!(script.contains("conntrack-sim") && script.contains("--clock-step"));
    assert!(script.contains("asymmetric-taps") && script.contains("card-1998"), "scenarios and devices by name");
    assert!(sim(&["man", "."], dir.path()).status.success());
    let page = fs::read_to_string(dir.path().join("conntrack-sim-pcap.1")).unwrap().replace("\\-", "-");
    assert!(page.contains("snaplen") && page.contains("asymmetric-routes"), "{page}");
    let nowhere = sim(&["man", "missing"], dir.path());
    assert_eq!((nowhere.status.code(), stderr(&nowhere).lines().count()), (Some(1), 1));
}

#[test]
fn a_seed_writes_the_same_files_twice_and_says_what_it_wrote() {
    let dir = TempDir::new().unwrap();
    let write = |seed: &str, name: &str| {
        let (capture, truth) = (format!("{name}.pcap"), format!("{name}.csv"));
        let args = ["pcap", "--connections", "100", "--seed", seed, "-o", &capture, "--truth", &truth];
        let output = sim(&args, dir.path());
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stderr(&output).contains("TCP in 100 connections"), "{}", stderr(&output));
        assert!(!stderr(&output).contains('\r'), "no progress where there is no terminal");
        [capture, truth].map(|file| fs::read(dir.path().join(file)).unwrap())
    };
    let first = write("1", "a");
    assert_eq!(first, write("1", "b"));
    assert_ne!(first, write("2", "c"));
    assert_eq!(first[0][..4], 0xa1b2_3c4d_u32.to_le_bytes());
    assert_eq!(
        first[1].split(|byte| *byte == b'\n').count(),
        102,
        "a header, 100 rows, and nothing after the last line end"
    );
}

#[test]
fn compression_by_the_name_and_standard_output_give_the_same_capture() {
    let dir = TempDir::new().unwrap();
    for file in ["plain.pcap", "small.pcap.gz", "small.pcap.zst"] {
        let output = sim(&["pcap", "-q", "--connections", "50", "-o", file], dir.path());
        assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
    }
    let plain = fs::read(dir.path().join("plain.pcap")).unwrap();
    assert_eq!(sim(&["pcap", "-q", "--connections", "50", "-o", "-"], dir.path()).stdout, plain);
    let zstd = fs::File::open(dir.path().join("small.pcap.zst")).unwrap();
    assert_eq!(zstd::decode_all(zstd).unwrap(), plain);
    let gzip = fs::File::open(dir.path().join("small.pcap.gz")).unwrap();
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(gzip), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
}

#[test]
fn the_truth_about_the_link_is_a_json_file_that_repeats_the_summary() {
    let dir = TempDir::new().unwrap();
    let args = ["pcap", "--log-format", "json", "--connections", "100", "-o", "x.pcap", "--link-truth", "link.json"];
    let output = sim(&args, dir.path());
    assert!(output.status.success(), "{}", stderr(&output));
    let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&fs::read(dir.path().join("link.json")).unwrap()).unwrap();
    assert_eq!((&told["frames"], &told["bytes"]), (&said["packets"], &said["bytes"]));
    assert_eq!(told["scenario"], "uplink-small");
    assert_eq!(told["arrivals"][0]["hurst"], 0.5);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_conntrack-sim"))
        .args(["pcap", "--scenario", "elephants", "-o", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_right() {
    let dir = TempDir::new().unwrap();
    for (args, hint) in [
        (&["pcap", "--scenario", "nonsense", "-o", "x.pcap"][..], "uplink-small, uplink-lossy"),
        (&["pcap", "--duration=-1", "-o", "x.pcap"], "--duration"),
        (&["pcap", "--duration", "0", "-o", "x.pcap"], "above 0"),
        (&["pcap", "--duration", "NaN", "-o", "x.pcap"], "above 0"),
        (&["pcap"], "--output"),
        (&["pcap", "--snaplen", "0", "-o", "x.pcap"], "1..=262144"),
        (&["pcap", "--device", "x", "-o", "x.pcap"], "two-taps"),
        (&["pcap", "--loss", "1.5", "-o", "x.pcap"], "from 0 to 1"),
        (&["pcap", "--unreported", "-o", "x.pcap"], "--loss"),
        (&["pcap", "--clock-step", "60", "-o", "x.pcap"], "60:-1"),
        (&["pcap", "--clock-tick", "0", "-o", "x.pcap"], "--clock-tick"),
    ] {
        let output = sim(args, dir.path());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(hint), "{args:?}: {}", stderr(&output));
    }
    assert!(!dir.path().join("x.pcap").exists());
}

#[test]
fn a_place_that_cannot_be_written_exits_with_1_and_one_line_that_names_it() {
    let dir = TempDir::new().unwrap();
    let missing = sim(&["pcap", "-o", "missing/x.pcap"], dir.path());
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("missing/x.pcap"));
    assert_eq!(stderr(&missing).lines().count(), 1);
    let same = sim(&["pcap", "-o", "x", "--truth", "x"], dir.path());
    assert_eq!(same.status.code(), Some(1));
    assert!(stderr(&same).contains("two names"));
    let json = sim(&["pcap", "--log-format", "json", "-o", "missing/x.pcap"], dir.path());
    let said: serde_json::Value = serde_json::from_slice(&json.stderr).unwrap();
    assert_eq!(said["level"], "error");
}

#[test]
fn a_full_disk_exits_with_1() {
    if !Path::new("/dev/full").exists() {
        eprintln!("SKIPPED: there is no /dev/full here");
        return;
    }
    let dir = TempDir::new().unwrap();
    let output = sim(&["pcap", "-o", "/dev/full"], dir.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot write /dev/full"), "{}", stderr(&output));
}

#[test]
fn a_full_standard_error_is_no_reason_to_fail() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("SKIPPED: there is no /dev/full here");
        return;
    };
    let dir = TempDir::new().unwrap();
    for format in ["text", "json"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conntrack-sim"));
        command
            .args(["pcap", "-v", "--connections", "3", "--log-format", format, "-o", "x.pcap"])
            .current_dir(dir.path());
        assert_eq!(command.stderr(full.try_clone().unwrap()).status().unwrap().code(), Some(0));
    }
}

#[test]
fn a_script_becomes_a_capture_and_what_is_left_out_is_said() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.pkt"), "0 < S 0:0(0) win 1000 <mss MSS>\n+.1 > S. 0:0(0) ack 1 <...>\n").unwrap();
    let whole = sim(&["script", "a.pkt", "-D", "MSS=1460", "-o", "a.pcap"], dir.path());
    assert_eq!((whole.status.code(), stderr(&whole).starts_with("2 packets")), (Some(0), true), "{}", stderr(&whole));
    let capture = fs::read(dir.path().join("a.pcap")).unwrap();
    assert_eq!(capture.len(), 24 + 2 * (16 + 60), "a header and two frames of the shortest length");
    assert_eq!(sim(&["script", "-q", "a.pkt", "--define", "MSS=1460", "-o", "-"], dir.path()).stdout, capture);
    let six = sim(&["script", "-q", "-6", "-D", "MSS=1460", "a.pkt", "-o", "-"], dir.path()).stdout;
    assert_eq!(six[24 + 16 + 12..][..2], [0x86, 0xdd]);

    let undefined = sim(&["script", "a.pkt", "-o", "b.pcap"], dir.path());
    assert_eq!(undefined.status.code(), Some(1));
    assert_eq!(
        stderr(&undefined),
        "conntrack-sim: a.pkt is no script: line 1: expected the maximum segment size, found \"MSS>\"\n"
    );
    assert!(!dir.path().join("b.pcap").exists());

    fs::write(dir.path().join("c.pkt"), "0 < S 0:0(0) win 1000\n+.1 > udp (100)\n").unwrap();
    let partly = sim(&["script", "-v", "c.pkt", "-o", "c.pcap"], dir.path());
    assert_eq!(partly.status.code(), Some(3));
    assert!(stderr(&partly).contains("line 2: skipped packet udp"), "{}", stderr(&partly));
}

#[test]
fn every_subcommand_has_an_example_in_its_help() {
    let dir = TempDir::new().unwrap();
    for subcommand in ["", "pcap", "script", "list", "completions", "man"] {
        let args = &[subcommand, "--help"][usize::from(subcommand.is_empty())..];
        let help = String::from_utf8(sim(args, dir.path()).stdout).unwrap();
        assert!(help.contains("Example") && help.contains("  conntrack-sim "), "{help}");
    }
    let version = String::from_utf8(sim(&["--version"], dir.path()).stdout).unwrap();
    assert!(version.starts_with("conntrack-sim ") && version.contains('('), "{version}");
}
