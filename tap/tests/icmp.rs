//! ICMP errors in real captures, against tshark: each is told of the connection whose segment it quotes.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use support::Row;

/// Captures with errors about TCP: how many there are, and how many of them are about a connection that the capture shows before.
const CAPTURES: [(&str, u64, u64); 7] = [
    ("ndpi__6in4tunnel.pcap", 2, 1),
    ("ndpi__alexa-app.pcapng", 2, 2),
    ("ndpi__gnutella.pcap", 4, 4),
    ("suricata-verify__bug-3616-smtp__input.pcap", 4, 4),
    ("suricata-verify__filestore-5408__input.pcap", 6, 6),
    ("suricata-verify__ipv6-kill-router-gateway__kill_router6.pcap", 5, 5),
    // Of these two attempts nothing but the errors was captured.
    ("tcpflow__test8__image2.pcap", 2, 0),
];

/// What tshark says of every error about TCP: its instant, type and code, and the ports of the quoted segment.
fn dissected(capture: &Path) -> Vec<String> {
    let errors = "tcp && (icmp.type in {3,4,5,11,12} || icmpv6.type in {1,2,3,4})";
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(capture).args(["-Y", errors, "-T", "fields", "-E", "occurrence=l"]);
    for field in
        ["frame.time_epoch", "icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code", "tcp.srcport", "tcp.dstport"]
    {
        tshark.args(["-e", field]);
    }
    let output = tshark.stdin(Stdio::null()).stderr(Stdio::null()).output().expect("tshark runs");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(|line| line.split('\t').filter(|field| !field.is_empty()).collect::<Vec<_>>().join(" ")).collect()
}

/// The same of a recorded event.
fn told(event: &Row, connections: &BTreeMap<String, Row>) -> String {
    let connection = &connections[&event["uid"]];
    let (from, to) = if event["dir"] == "orig" { ("orig_p", "resp_p") } else { ("resp_p", "orig_p") };
    let particulars: BTreeMap<&str, &str> =
        event["detail"].split(' ').filter_map(|pair| pair.split_once('=')).collect();
    let [kind, code] = ["type", "code"].map(|name| particulars[name]);
    format!("{} {kind} {code} {} {}", event["ts"], connection[from], connection[to])
}

#[test]
fn every_icmp_error_of_the_data_set_is_told_of_its_connection() {
    let Some(data) = support::data().filter(|_| support::tools(&["tshark"])) else { return };
    let room = tempfile::tempdir().expect("a directory");
    for (name, errors, attributed) in CAPTURES {
        let (capture, campaign) = (data.join("pcap").join(name), room.path().join(name));
        support::record(std::slice::from_ref(&capture), &campaign, &["--quiet"]).expect(&[0, 3]);
        let connections: BTreeMap<String, Row> =
            support::connections(&campaign).into_iter().map(|row| (row["uid"].clone(), row)).collect();
        let expected = dissected(&capture);
        assert_eq!(expected.len() as u64, errors, "{name}: {expected:#?}");
        let events = support::rows("events", &campaign);
        let events: Vec<&Row> = events.iter().filter(|row| row["kind"] == "icmp").collect();
        for event in &events {
            let told = told(event, &connections);
            assert!(expected.contains(&told), "{name}: {told} is not among {expected:#?}");
        }
        assert_eq!(events.len() as u64, attributed, "{name}: {events:#?}");
        let counted: u64 = connections.values().map(|row| support::number(row, "icmp_errors")).sum();
        assert_eq!(counted, attributed, "{name}");
        let manifest = std::fs::read_to_string(campaign.join("campaign.json")).expect("a manifest");
        let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        let ledger = manifest["icmp_errors"].as_object().expect("what came of the errors");
        assert_eq!(ledger.values().filter_map(serde_json::Value::as_u64).sum::<u64>(), errors, "{name}: {ledger:?}");
        support::report("verify", &campaign, &[]);
    }
}
