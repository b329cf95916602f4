//! Classes of abnormal segments in captures about which other programs are wrong, or at odds.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use support::{Row, number};

/// The connections of a capture of the data set, or a skip.
fn connections(capture: &str) -> Option<Vec<Row>> {
    let path = support::data()?.join("pcap").join(capture);
    if !path.is_file() {
        support::skip(&format!("no capture {}", path.display()));
        return None;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let campaign = directory.path().join("campaign");
    support::record(&[path], &campaign, &[]).expect(&[0, 3]);
    Some(support::connections(&campaign))
}

fn both(row: &Row, column: &str) -> u64 {
    number(row, &format!("orig_{column}")) + number(row, &format!("resp_{column}"))
}

#[test]
fn a_capture_that_shows_packets_up_to_four_times_holds_no_retransmission() {
    let Some(rows) = connections("zeek__tcp__ssh-dups.pcap") else { return };
    assert_eq!(rows.len(), 1);
    assert_eq!(both(&rows[0], "pkts"), 377);
    assert_eq!(both(&rows[0], "dup_capture"), 280, "97 packets are distinct in all but the time");
    assert_eq!(both(&rows[0], "abnormal_pkts"), 280);
    assert_eq!((both(&rows[0], "retrans_pkts"), both(&rows[0], "dup_acks")), (0, 0));
}

#[test]
fn a_fin_that_comes_again_opens_no_connection_and_is_no_retransmission_of_data() {
    let Some(rows) = connections("zeek__tcp__fin_retransmission.pcap") else { return };
    assert_eq!(rows.len(), 1);
    assert_eq!((number(&rows[0], "orig_fin_pkts"), both(&rows[0], "abnormal_pkts")), (2, 0));
}

#[test]
fn a_retransmission_after_five_minutes_belongs_to_its_connection_and_was_a_timeout() {
    let Some(rows) = connections("zeek__tcp__retransmit-timeout.pcapng") else { return };
    assert_eq!(rows.len(), 1);
    assert_eq!((both(&rows[0], "retrans_pkts"), both(&rows[0], "rtx_timeout")), (1, 1));
}

#[test]
fn every_row_of_the_data_set_adds_up() {
    let Some(data) = support::data() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let captures = support::captures(&data.join("pcap"));
    let campaigns: Vec<_> = captures.iter().step_by(5).enumerate().collect();
    let faults = support::in_parallel(&campaigns, |(n, capture)| {
        let campaign = directory.path().join(n.to_string());
        support::record(&[(*capture).clone()], &campaign, &[]).expect(&[0, 1, 3]);
        if !campaign.is_dir() {
            return Vec::new();
        }
        support::connections(&campaign)
            .iter()
            .filter_map(fault)
            .map(|why| format!("{}: {why}", capture.display()))
            .collect()
    });
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Why the counts of a row contradict each other.
fn fault(row: &Row) -> Option<String> {
    const CLASSES: [&str; 10] = [
        "dup_capture",
        "keepalives",
        "zero_window_probes",
        "old_duplicates",
        "dup_network",
        "rtx_fast",
        "rtx_timeout",
        "rtx_unnecessary",
        "reordered",
        "unknown_anomaly",
    ];
    ["orig", "resp"].into_iter().find_map(|side| {
        let of = |column: &str| number(row, &format!("{side}_{column}"));
        let bytes = of("unique_bytes") + of("retrans_bytes") + of("other_bytes");
        let classes: u64 = CLASSES.into_iter().map(of).sum();
        let bad = bytes != of("wire_bytes") || classes != of("abnormal_pkts") || of("abnormal_pkts") > of("pkts");
        bad.then(|| format!("{} {side}: {bytes} bytes, {classes} segments with a class", row["uid"]))
    })
}
