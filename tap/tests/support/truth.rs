//! The truth that the simulator writes beside its frames, and when a row of the tracker agrees with it.

use std::path::Path;

use super::Row;

/// What names a connection.
const NAME: [&str; 5] = ["ts", "orig_h", "orig_p", "resp_h", "resp_p"];

/// The columns of the truth that the connections table has too, each with the same meaning. `close_reason` is compared by itself,
/// because the truth knows no timers.
pub const SHARED: [&str; 22] = [
    "vlan",
    "conn_state",
    "orig_pkts",
    "resp_pkts",
    "orig_ip_bytes",
    "resp_ip_bytes",
    "orig_wire_bytes",
    "resp_wire_bytes",
    "orig_unique_bytes",
    "resp_unique_bytes",
    "syn_ts",
    "synack_ts",
    "established_ts",
    "orig_first_data_ts",
    "resp_first_data_ts",
    "orig_last_data_ts",
    "resp_last_data_ts",
    "orig_fin_ts",
    "resp_fin_ts",
    "rst_ts",
    "closed_ts",
    "last_ts",
];

/// A connection by its originator's first packet.
pub fn name(row: &Row) -> Vec<String> {
    NAME.iter().map(|column| row[*column].clone()).collect()
}

/// The rows of a truth.
pub fn read(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).expect("the truth");
    reader.deserialize().collect::<Result<_, _>>().expect("CSV")
}

/// Every column, or what stands for one, in which a row must agree with the truth.
pub fn columns() -> impl Iterator<Item = &'static str> {
    ["originator", "ts", "close_reason"].into_iter().chain(SHARED)
}

/// Whether a row agrees with the truth in one of [`columns`].
pub fn agrees(column: &str, truth: &Row, row: &Row) -> bool {
    match column {
        "originator" => ["orig_h", "orig_p"].iter().all(|end| truth[*end] == row[*end]),
        "close_reason" => is_the_end(&truth["close_reason"], &row["close_reason"]),
        "established_ts" if is_reset_before_it_is_open(truth) => true,
        "conn_state" if answers_before_its_synack(truth) => true,
        _ => truth[column] == row[column],
    }
}

/// How the row differs from the truth about the same connection, in words.
pub fn differences(truth: &Row, row: &Row) -> Vec<String> {
    let differ = columns().filter(|column| !agrees(column, truth, row));
    differ.map(|column| format!("{column} is {:?}, in truth {:?}", row.get(column), truth.get(column))).collect()
}

/// Whether the tracker may give this reason for an end that the truth calls so. The truth knows no timers; of the tracker's, only that
/// of attempts and those of openings run out in captures of some minutes.
pub fn is_the_end(truth: &str, reason: &str) -> bool {
    match truth {
        "open" => matches!(reason, "campaign_end" | "idle_timeout"),
        "attempt" => matches!(reason, "campaign_end" | "attempt_timeout"),
        closed => reason == closed,
    }
}

/// Whether the responder's data passed before its SYN-ACK, which was lost (TCP Fast Open). Zeek then takes that end for one whose beginning it
/// missed, whatever follows; the truth has no word for it.
fn answers_before_its_synack(truth: &Row) -> bool {
    !truth["resp_first_data_ts"].is_empty() && truth["resp_first_data_ts"] < truth["synack_ts"]
}

/// Whether a RST passed before the handshake was complete. Then the connection is over for the tracker; the truth still takes the
/// acknowledgment of the SYN-ACK that was under way.
fn is_reset_before_it_is_open(truth: &Row) -> bool {
    !truth["rst_ts"].is_empty() && truth["rst_ts"] < truth["established_ts"]
}
