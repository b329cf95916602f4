//! Exports for other programs: IPFIX as libfixbuf reads it, Zeek's JSON, Parquet.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use conntrack::{CloseReason, DirectionBy};
use serde_json::Value;
use support::{Campaign, printed, record, report, skip};

fn campaign(connections: u64) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign { connections, headers: false, ..Campaign::default() }.write(&dir);
    let dir = dir.to_str().unwrap().to_owned();
    (folder, dir)
}

/// A record as names and texts.
type Flow = BTreeMap<String, String>;

/// The records of an IPFIX file as libfixbuf's `ipfixDump` prints them, by flowId; nothing where it is not installed.
fn decoded(file: &Path) -> Option<BTreeMap<u64, Flow>> {
    let output = match Command::new("ipfixDump").arg("--data").arg("--in").arg(file).output() {
        Ok(output) => output,
        Err(error) => {
            skip(&format!("ipfixDump cannot be run ({error}); run scripts/packages.sh test"));
            return None;
        }
    };
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let flows = text.split("--- data record ").skip(1).map(|record| {
        // "    (29305/2)   reversePacketDeltaCount : 7"
        let fields = record.lines().filter_map(|line| line.split_once(')')?.1.split_once(" : "));
        fields.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect::<Flow>()
    });
    Some(flows.map(|flow| (flow["flowId"].parse().unwrap(), flow)).collect())
}

#[test]
fn an_ipfix_file_says_of_each_connection_what_was_recorded() {
    let (folder, dir) = campaign(3000);
    let file = folder.path().join("lab.ipfix");
    assert!(report(&["connections", &dir, "--format", "ipfix", "-o", file.to_str().unwrap()]).status.success());
    let Some(flows) = decoded(&file) else { return };
    assert_eq!(flows.len(), 3000, "interim rows are no flows");
    for record in (0..3000).map(record) {
        let flow = &flows[&record.uid];
        let number = |name: &str| flow[name].parse::<u64>().unwrap();
        let family = if record.endpoints[0].ip(record.family).is_ipv6() { "IPv6" } else { "IPv4" };
        for (end, side) in [("source", 0), ("destination", 1)] {
            let address: IpAddr = flow[&format!("{end}{family}Address")].parse().unwrap();
            assert_eq!(address, record.endpoints[side].ip(record.family));
            assert_eq!(number(&format!("{end}TransportPort")), u64::from(record.endpoints[side].port));
        }
        for (prefix, half) in [("", &record.halves[0]), ("reverse", &record.halves[1])] {
            let of = |name: &str| {
                let (first, rest) = name.split_at(1);
                let name =
                    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}{}{rest}", first.to_uppercase()) };
                number(&name)
            };
            let found = [of("packetDeltaCount"), of("octetDeltaCount"), of("transportOctetDeltaCount")];
            assert_eq!(found, [half.pkts, half.ip_bytes, half.wire_bytes], "{flow:?}");
            let flags = [of("tcpSynTotalCount"), of("tcpFinTotalCount"), of("tcpRstTotalCount")];
            assert_eq!(flags, [half.syn_pkts, half.fin_pkts, half.rst_pkts].map(u64::from), "{flow:?}");
        }
        let reason = match record.close_reason {
            Some(CloseReason::AttemptTimeout | CloseReason::IdleTimeout) => 1,
            Some(CloseReason::CampaignEnd) | None => 4,
            Some(CloseReason::Evicted) => 5,
            Some(_) => 3,
        };
        let initiator = u64::from(matches!(record.direction_by, DirectionBy::Syn | DirectionBy::SynAck));
        assert_eq!((number("flowEndReason"), number("biflowDirection")), (reason, initiator));
        assert_eq!((number("protocolIdentifier"), number("vlanId")), (6, u64::from(record.vlan.unwrap_or(0))));
    }
}

/// Start and end of every flow by tshark, which reads IPFIX files as well.
#[test]
fn the_instants_of_an_ipfix_file_are_exact_to_the_nanosecond() {
    let (folder, dir) = campaign(100);
    let file = folder.path().join("lab.ipfix");
    assert!(report(&["connections", &dir, "--format", "ipfix", "-o", file.to_str().unwrap()]).status.success());
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&file).args(["-T", "fields", "-E", "aggregator=|", "-E", "separator=;"]);
    tshark.args(["-e", "cflow.flow_id", "-e", "cflow.abstimestart", "-e", "cflow.abstimeend"]);
    let output = match tshark.output() {
        Ok(output) => output,
        Err(error) => return skip(&format!("tshark cannot be run ({error}); run scripts/packages.sh test")),
    };
    // "Nov 22, 2026 00:00:00.000000535 UTC"
    let nanos = |text: &str| text.split_once('.').unwrap().1[..9].parse::<i64>().unwrap();
    let mut found = BTreeMap::new();
    for message in String::from_utf8(output.stdout).unwrap().lines() {
        let [uids, starts, ends] = <[&str; 3]>::try_from(message.split(';').collect::<Vec<_>>()).unwrap();
        let flows = uids.split('|').zip(starts.split('|')).zip(ends.split('|'));
        found.extend(flows.map(|((uid, start), end)| (uid.parse::<u64>().unwrap(), (nanos(start), nanos(end)))));
    }
    assert_eq!(found.len(), 100, "{}", String::from_utf8_lossy(&output.stderr));
    for record in (0..100).map(record) {
        assert_eq!(found[&record.uid], (record.ts.0 % 1_000_000_000, record.at.last.0 % 1_000_000_000));
    }
}

#[test]
fn an_empty_ipfix_file_has_its_templates() {
    let (folder, dir) = campaign(0);
    let file = folder.path().join("lab.ipfix");
    assert!(report(&["connections", &dir, "--format", "ipfix", "-o", file.to_str().unwrap()]).status.success());
    assert!(fs::metadata(&file).unwrap().len() > 200);
    if let Some(flows) = decoded(&file) {
        assert!(flows.is_empty());
    }
}

#[test]
fn zeeks_json_has_the_fields_of_zeeks_log_but_the_unset_ones() {
    let (_folder, dir) = campaign(100);
    let log = printed(&["connections", &dir, "--format", "zeek"]);
    let fields = log.lines().find_map(|line| line.strip_prefix("#fields\t")).unwrap().split('\t').collect::<Vec<_>>();
    let rows = log.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let json = printed(&["connections", &dir, "--format", "zeek-json"]);
    assert_eq!((json.lines().count(), rows.len()), (100, 100));
    for (line, row) in json.lines().zip(rows) {
        // As written: a number stays as it is.
        let object: BTreeMap<&str, &serde_json::value::RawValue> = serde_json::from_str(line).unwrap();
        let set =
            fields.iter().copied().zip(row.split('\t')).filter(|(_, value)| *value != "-").collect::<BTreeMap<_, _>>();
        assert!(object.keys().eq(set.keys()), "{line}");
        for (name, value) in set {
            assert_eq!(object[name].get().trim_matches('"'), value, "{name}");
        }
    }
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert!(first["uid"].as_str().unwrap().starts_with('C') && first["id.orig_p"].is_u64() && first["ip_proto"] == 6);
}

#[test]
fn a_parquet_export_is_the_rows_and_columns_that_were_chosen() {
    let (folder, dir) = campaign(100);
    let file = folder.path().join("chosen.parquet");
    let options = ["--format", "parquet", "--where", "conn_state = 'SF'", "--final-only", "-o", file.to_str().unwrap()];
    assert!(report(&[&["connections", &dir], &options[..]].concat()).status.success());
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&file).unwrap());
    let reader = reader.unwrap();
    let whole = recorder::columns::schema(recorder::Table::Connections);
    assert_eq!(reader.schema().as_ref(), whole.as_ref(), "units, definitions and version are kept");
    assert_eq!(reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 70);
}

#[test]
fn formats_with_columns_of_their_own_take_no_others() {
    for format in ["zeek", "zeek-json", "ipfix"] {
        let output = report(&["connections", ".", "--format", format, "--columns", "ts"]);
        assert_eq!(output.status.code(), Some(2), "{format}");
    }
}
