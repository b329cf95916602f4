//! The pcapng export, as tshark reads it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::process::Command;

use support::{Campaign, header_bytes, header_ts, payload_len, record, report, skip};

/// Time, captured length, original length, bytes and comment of each packet; nothing where there is no tshark.
fn read(file: &str) -> Option<Vec<[String; 5]>> {
    if Command::new("tshark").arg("--version").output().is_err() {
        skip("tshark is not installed");
        return None;
    }
    let fields = ["frame.time_epoch", "frame.cap_len", "frame.len", "frame.comment"];
    let mut tshark = Command::new("tshark");
    tshark.args(["-r", file, "-T", "fields", "-E", "occurrence=f"]);
    tshark.args(fields.iter().flat_map(|field| ["-e", field]));
    let columns = tshark.output().unwrap();
    assert!(columns.status.success(), "{}", String::from_utf8_lossy(&columns.stderr));
    // Raw bytes come from the hexadecimal dump of -x in JSON.
    let json = Command::new("tshark").args(["-r", file, "-T", "jsonraw", "-j", "frame"]).output().unwrap();
    let packets: Vec<serde_json::Value> = serde_json::from_slice(&json.stdout).unwrap();
    let text = String::from_utf8(columns.stdout).unwrap();
    let rows = text.lines().zip(&packets).map(|(line, packet)| {
        let mut columns = line.split('\t').map(str::to_owned);
        let mut next = || columns.next().unwrap();
        let bytes = packet["_source"]["layers"]["frame_raw"][0].as_str().unwrap().to_owned();
        [next(), next(), next(), bytes, next()]
    });
    Some(rows.collect())
}

#[test]
fn tshark_sees_the_captured_bytes_in_order_of_time_to_the_nanosecond() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, file) = (folder.path().join("lab"), folder.path().join("headers.pcapng"));
    Campaign::default().write(&dir);
    let (dir, file) = (dir.to_str().unwrap(), file.to_str().unwrap());
    assert!(report(&["headers", dir, "--format", "pcapng", "--comments", "-o", file]).status.success());
    let Some(packets) = read(file) else { return };

    let mut expected = (0..100).flat_map(|n| (0..3).map(move |index| (record(n), index))).collect::<Vec<_>>();
    expected.sort_by_key(|(record, index)| (header_ts(record, *index), record.uid));
    assert_eq!(packets.len(), expected.len());
    for (packet, (record, index)) in packets.iter().zip(expected) {
        let bytes = header_bytes(&record, index);
        let ts = header_ts(&record, index).0;
        let dir = if index == 1 { "resp" } else { "orig" };
        let wanted = [
            format!("{}.{:09}", ts / 1_000_000_000, ts % 1_000_000_000),
            bytes.len().to_string(),
            (bytes.len() + payload_len(index) as usize).to_string(),
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            format!("uid {} {dir} {index}", record.uid),
        ];
        assert_eq!(*packet, wanted);
    }
}

#[test]
fn an_empty_campaign_gives_an_empty_capture_file() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, file) = (folder.path().join("lab"), folder.path().join("headers.pcapng"));
    Campaign { connections: 0, ..Default::default() }.write(&dir);
    let (dir, file) = (dir.to_str().unwrap(), file.to_str().unwrap());
    assert!(report(&["headers", dir, "--format", "pcapng", "-o", file]).status.success());
    if let Some(packets) = read(file) {
        assert!(packets.is_empty());
    }
}
