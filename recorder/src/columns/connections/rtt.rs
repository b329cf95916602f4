//! Round trips.

use conntrack::Record;

use super::Connections;
use crate::columns::{Column, Value, column};

pub(super) const COLUMNS: &[Column<Connections>] = &[
    column(
        "syn_rtt",
        "s",
        Value::SecondsOrNull(|r| r.syn_rtt),
        "From the SYN to the SYN-ACK: the half between the tap and the responder; missing where the SYN was sent again (Karn, Partridge 1987).",
    ),
    column(
        "ack_rtt",
        "s",
        Value::SecondsOrNull(|r| r.ack_rtt),
        "From the SYN-ACK to its acknowledgment: the half between the tap and the originator; missing where the SYN-ACK was sent again (Karn, Partridge 1987).",
    ),
    column(
        "handshake_rtt",
        "s",
        Value::SecondsOrNull(|r| handshake_rtt(r)),
        "The sum of syn_rtt and ack_rtt; missing where either is.",
    ),
];

fn handshake_rtt(row: &Record) -> Option<i64> {
    Some(row.syn_rtt?.saturating_add(row.ack_rtt?))
}

per_direction! {
    "rtt_min", "s", SecondsOrNull(|r, side| r.halves[side].rtt.min),
        "smallest time from its segments to their acknowledgments: the half between the tap and its peer; one sample for an acknowledgment that ends where a segment ends, unless that segment or a lower one was sent again (Karn, Partridge 1987); missing without samples.";
    "rtt_mean", "s", SecondsOrNull(|r, side| r.halves[side].rtt.mean),
        "mean of the samples of rtt_min.";
    "rtt_max", "s", SecondsOrNull(|r, side| r.halves[side].rtt.max),
        "largest of the samples of rtt_min.";
    "rtt_sd", "s", SecondsOrNull(|r, side| r.halves[side].rtt.sd),
        "standard deviation of the samples of rtt_min, divisor n - 1; missing with fewer than two.";
    "rtt_n", "samples", U64(|r, side| r.halves[side].rtt.n),
        "samples of rtt_min; where more than sixteen segments are under way at once, only some of them are sampled.";
    "rtt_ts_min", "s", SecondsOrNull(|r, side| r.halves[side].rtt_ts.min),
        "smallest time from a segment that first carries a timestamp to the acknowledgment of something new that echoes it, the same half as rtt_min (RFC 7323, 4.1): also of segments that were sent again; one segment is timed at a time; missing without samples.";
    "rtt_ts_mean", "s", SecondsOrNull(|r, side| r.halves[side].rtt_ts.mean),
        "mean of the samples of rtt_ts_min.";
    "rtt_ts_max", "s", SecondsOrNull(|r, side| r.halves[side].rtt_ts.max),
        "largest of the samples of rtt_ts_min.";
    "rtt_ts_n", "samples", U64(|r, side| r.halves[side].rtt_ts.n),
        "samples of rtt_ts_min.";
}
