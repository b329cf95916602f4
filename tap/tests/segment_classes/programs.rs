//! What the programs say of a capture file.

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use crate::claims::{Claim, Label, Labels};
use crate::counts::{Count, Counted, Direction, direction, of_row};
use crate::support::{self, Row};

/// What a program said.
#[derive(Debug, Default)]
pub struct Said {
    /// Of single segments with payload.
    pub segments: Labels,
    /// By direction.
    pub counts: Counted,
}

/// What the tracker says: of segments by their events, of which none may be left out for want of room.
pub fn ours(capture: &Path, campaign: &Path) -> Said {
    let config = campaign.with_extension("toml");
    std::fs::write(&config, "[tracker]\nevents_per_connection = 65535\n").expect("a file");
    let options = ["--config", config.to_str().expect("UTF-8"), "--shards", "2"];
    support::record(&[capture.to_path_buf()], campaign, &options).expect(&[0]);
    let mut said = Said::default();
    said.counts.knows = Count::ALL.to_vec();
    let rows = support::connections(campaign);
    for row in &rows {
        assert_eq!(support::number(row, "events_dropped"), 0, "{row:?}");
        of_row(&mut said.counts, row, |count| match count {
            Count::Again => &["retrans_pkts"],
            Count::Reordered => &["reordered"],
            Count::Copies => &["dup_network", "dup_capture"],
            Count::KeepAlives => &["keepalives"],
            Count::Probes => &["zero_window_probes"],
        });
    }
    let connections: std::collections::HashMap<&str, &Row> =
        rows.iter().map(|row| (row["uid"].as_str(), row)).collect();
    for event in support::rows("events", campaign) {
        let Some(row) = connections.get(event["uid"].as_str()) else { continue };
        let label = match event["kind"].as_str() {
            "retransmission" => of_class(value(&event["detail"], "class")),
            "reordering" => Label { text: "reordered".to_owned(), claims: vec![Claim::Reordered] },
            _ => continue,
        };
        let [host, port, ..] = direction(row, &event["dir"]);
        said.segments.insert((event["ts"].clone(), host, port), label);
    }
    said
}

/// A value of an event's `name=value` pairs.
fn value<'a>(detail: &'a str, name: &str) -> &'a str {
    let pairs = detail.split(' ').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
}

fn of_class(class: &str) -> Label {
    let claims = match class {
        "rtx_fast" => vec![Claim::Again, Claim::Fast],
        "rtx_timeout" => vec![Claim::Again, Claim::Timeout],
        "rtx_unnecessary" => vec![Claim::Again, Claim::Unnecessary],
        _ => Vec::new(),
    };
    Label { text: class.to_owned(), claims }
}

/// The fields that name a frame, then those of its analysis.
const FIELDS: [&str; 14] = [
    "frame.time_epoch",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "tcp.len",
    "tcp.analysis.retransmission",
    "tcp.analysis.fast_retransmission",
    "tcp.analysis.spurious_retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.keep_alive",
    "tcp.analysis.zero_window_probe",
];

/// What tshark says.
pub fn tshark(capture: &Path) -> Said {
    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-E", "separator=,", "-Y", "tcp", "-r"]).arg(capture);
    FIELDS.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut said = Said::default();
    said.counts.knows = vec![Count::Again, Count::Reordered, Count::KeepAlives, Count::Probes];
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let fields: [&str; FIELDS.len()] = fields.try_into().expect("as many fields as were asked for");
        of_frame(&mut said, &fields);
    }
    said
}

fn of_frame(said: &mut Said, fields: &[&str; FIELDS.len()]) {
    let [ts, source4, source6, source_port, to4, to6, to_port, len, again, fast, spurious, late, alive, probe] =
        *fields;
    let [source, to] = [[source4, source6], [to4, to6]].map(|pair| pair.concat());
    let direction: Direction = [source.clone(), source_port.to_owned(), to, to_port.to_owned()];
    let counted = [(alive, Count::KeepAlives), (probe, Count::Probes)];
    for (_, count) in counted.into_iter().filter(|(flag, _)| !flag.is_empty()) {
        said.counts.add(&direction, count, 1);
    }
    if len == "0" {
        return;
    }
    let flags = [(again, Claim::Again), (fast, Claim::Fast), (spurious, Claim::Unnecessary), (late, Claim::Reordered)];
    let claims: Vec<Claim> = flags.into_iter().filter(|(flag, _)| !flag.is_empty()).map(|(_, claim)| claim).collect();
    for (claim, count) in [(Claim::Again, Count::Again), (Claim::Reordered, Count::Reordered)] {
        said.counts.add(&direction, count, u64::from(claims.contains(&claim)));
    }
    if !claims.is_empty() {
        said.segments.insert((ts.to_owned(), source, source_port.to_owned()), Label { text: String::new(), claims });
    }
}

/// What tcptrace says, which has a word for directions only.
pub fn tcptrace(capture: &Path) -> Said {
    let output = Command::new("tcptrace").args(["-l", "-n", "--csv"]).arg(capture).output().expect("tcptrace runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let table = text.lines().skip_while(|line| !line.starts_with("conn_#")).filter(|line| line.contains(','));
    let table: Vec<&str> = table.collect();
    let table = table.join("\n");
    let mut said = Said::default();
    said.counts.knows = vec![Count::Again, Count::Reordered, Count::Probes];
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(table.as_bytes());
    for row in reader.deserialize() {
        let row: Row = row.expect("CSV");
        let host = |name: &str| row[name].parse::<IpAddr>().expect("an address").to_string();
        let ends = [[host("host_a"), row["port_a"].clone()], [host("host_b"), row["port_b"].clone()]];
        for (way, from, to) in [("a2b", 0, 1), ("b2a", 1, 0)] {
            let direction: Direction = [&ends[from], &ends[to]].map(Clone::clone).concat().try_into().expect("four");
            let number = |name: &str| support::number(&row, &format!("{name}_{way}"));
            said.counts.add(&direction, Count::Again, number("rexmt_data_pkts"));
            said.counts.add(&direction, Count::Reordered, number("outoforder_pkts"));
            said.counts.add(&direction, Count::Probes, number("zwnd_probe_pkts"));
        }
    }
    said
}
