//! A row's values by the names of the columns, as text.

use conntrack::{CloseReason, HalfRecord, Instants, Record, SegmentClass};
use hwsim::packetdrill::START;
use wire::{Direction, Nanos};

/// A decimal number of seconds, ns.
pub fn nanos(seconds: &str) -> i64 {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let nanos: i64 = format!("{fraction:0<9}").parse().expect("a fraction of a second");
    whole.parse::<i64>().expect("seconds") * Nanos::PER_SECOND + nanos
}

/// Whether two values are the same: as text, or as numbers written differently (`1`, `1.000`).
pub fn same(found: &str, expected: &str) -> bool {
    let numbers = found.parse::<f64>().ok().zip(expected.parse::<f64>().ok());
    found == expected || numbers.is_some_and(|(found, expected)| (found - expected).abs() < 1e-9)
}

/// The value of a column; `None` where there is no such column.
pub fn of(row: &Record, column: &str) -> Option<String> {
    let instant = column.strip_suffix("_ts").and_then(|name| instant(&row.at, name));
    if let Some(instant) = instant {
        return Some(or_missing(instant.map(|ts| seconds(ts.since(START)))));
    }
    let half = [("orig_", Direction::Orig), ("resp_", Direction::Resp)].into_iter().find_map(|(prefix, side)| {
        let rest = column.strip_prefix(prefix)?;
        of_half(&row.halves[side.index()], rest).or_else(|| of_endpoint(row, side, rest))
    });
    half.or_else(|| of_connection(row, column))
}

fn of_connection(row: &Record, column: &str) -> Option<String> {
    Some(match column {
        "conn_state" => row.conn_state.to_string(),
        "history" => row.history.as_str().to_owned(),
        "missed_bytes" => row.missed_bytes.to_string(),
        "partial" => row.partial.to_string(),
        "direction_by" => row.direction_by.to_string(),
        "close_reason" => or_missing(row.close_reason.map(CloseReason::as_str)),
        "rst_by" => or_missing(row.rst_by.map(Direction::as_str)),
        "anomalies" => {
            let names: Vec<&str> = row.anomalies.iter().map(conntrack::Anomaly::as_str).collect();
            or_missing(Some(names.join(";")).filter(|names| !names.is_empty()))
        }
        "icmp_errors" => row.icmp_errors.to_string(),
        "tfo" => row.tfo.to_string(),
        "mptcp" => row.mptcp.to_string(),
        "mptcp_subtypes" => {
            let names: Vec<&str> = row.mptcp_subtypes.iter().map(conntrack::MultipathSubtype::as_str).collect();
            or_missing(Some(names.join(";")).filter(|names| !names.is_empty()))
        }
        "mptcp_token" => or_missing(row.mptcp_token),
        "syn_rtt" => or_missing(row.syn_rtt.map(seconds)),
        "ack_rtt" => or_missing(row.ack_rtt.map(seconds)),
        _ => return None,
    })
}

fn of_endpoint(row: &Record, side: Direction, column: &str) -> Option<String> {
    (column == "p").then(|| row.endpoints[side.index()].port.to_string())
}

fn of_half(half: &HalfRecord, column: &str) -> Option<String> {
    Some(match column {
        "state" => half.state.to_string(),
        "pkts" => half.pkts.to_string(),
        "bytes" => or_missing(half.bytes),
        "wire_bytes" => half.wire_bytes.to_string(),
        "unique_bytes" => half.unique_bytes.to_string(),
        "missed_bytes" => or_missing(half.missed_bytes),
        "syn_pkts" => half.syn_pkts.to_string(),
        "fin_pkts" => half.fin_pkts.to_string(),
        "rst_pkts" => half.rst_pkts.to_string(),
        "window_min" => or_missing(half.window_min),
        "window_max" => or_missing(half.window_max),
        "mss" => or_missing(half.mss),
        "wscale" => or_missing(half.wscale),
        "sack_ok" => or_missing(half.sack_ok),
        "tsopt" => half.tsopt.to_string(),
        "ecn" => half.ecn.to_string(),
        "accecn" => half.accecn.to_string(),
        "ttl_min" => or_missing(half.ttl_min),
        "ttl_max" => or_missing(half.ttl_max),
        "rtt_n" => half.rtt.n.to_string(),
        "rtt_min" => or_missing(half.rtt.min.map(seconds)),
        "rtt_mean" => or_missing(half.rtt.mean.map(seconds)),
        "rtt_max" => or_missing(half.rtt.max.map(seconds)),
        "rtt_ts_n" => half.rtt_ts.n.to_string(),
        "rtt_ts_min" => or_missing(half.rtt_ts.min.map(seconds)),
        "rtt_ts_max" => or_missing(half.rtt_ts.max.map(seconds)),
        _ => return of_segments(half, column),
    })
}

fn of_segments(half: &HalfRecord, column: &str) -> Option<String> {
    let segments = &half.segments;
    if let Some(&class) = SegmentClass::ALL.iter().find(|class| class.as_str() == column) {
        return Some(segments.classes.of(class).to_string());
    }
    Some(match column {
        "abnormal_pkts" => segments.abnormal_pkts.to_string(),
        "retrans_pkts" => segments.retrans_pkts.to_string(),
        "retrans_bytes" => segments.retrans_bytes.to_string(),
        "dup_acks" => segments.dup_acks.to_string(),
        "sack_pkts" => segments.sack_pkts.to_string(),
        "dsacks" => segments.dsacks.to_string(),
        "push_pkts" => segments.push_pkts.to_string(),
        "urgent_pkts" => segments.urgent_pkts.to_string(),
        "segment_max" => segments.segment_max.to_string(),
        "in_flight_max" => segments.in_flight_max.to_string(),
        "zero_window_count" => segments.zero_window_count.to_string(),
        "zero_window_time" => seconds(segments.zero_window_time),
        _ => return None,
    })
}

fn instant(at: &Instants, name: &str) -> Option<Option<Nanos>> {
    Some(match name {
        "syn" => at.syn,
        "synack" => at.synack,
        "established" => at.established,
        "orig_first_data" => at.first_data[0],
        "resp_first_data" => at.first_data[1],
        "orig_last_data" => at.last_data[0],
        "resp_last_data" => at.last_data[1],
        "orig_fin" => at.fin[0],
        "resp_fin" => at.fin[1],
        "rst" => at.rst,
        "last" => Some(at.last),
        "closed" => at.closed,
        _ => return None,
    })
}

fn seconds(nanos: i64) -> String {
    format!("{:.9}", nanos as f64 / 1e9)
}

fn or_missing<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
