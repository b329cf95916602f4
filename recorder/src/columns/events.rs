//! The columns of `events`.

use std::fmt::Write;

use conntrack::Event;

use super::{Column, RowFamily, Value, column};

pub(crate) struct Events;

impl RowFamily for Events {
    type Row<'a> = Event;

    const THEMES: &'static [&'static [Column<Self>]] = &[COLUMNS];
}

const COLUMNS: &[Column<Events>] = &[
    column(
        "uid",
        "",
        Value::U64OrNull(|r| r.uid),
        "The connection it happened in; missing where it happened to the appliance.",
    ),
    column("ts", "ns since 1970-01-01 UTC", Value::Instant(|r| r.ts), "When it happened, in packet time."),
    column(
        "dir",
        "",
        Value::NameOrNull(|r| r.dir.map(wire::Direction::as_str)),
        "Whose packet it is about, for a change of state whose state it is: orig or resp; missing where it happened to the appliance.",
    ),
    column(
        "kind",
        "",
        Value::Name(|r| r.detail.kind().as_str()),
        "What happened: state, anomaly, retransmission, reordering, loss, zero_window, rtt_shift, rst_suspect or icmp in a connection; started, stopped, lost, clock_step, failover, deleted or config_changed of the appliance itself.",
    ),
    column("detail", "", Value::Display(|r, text| detail(r, text)), DETAIL),
];

const DETAIL: &str = "The particulars, as name=value parted by spaces; of the appliance itself a sentence. \
    state: from and to, states of RFC 9293. anomaly: its name, once a connection. rst_suspect: nothing, once a connection. \
    retransmission: its class and payload bytes. reordering: payload bytes. loss: pattern, segments sent again, and span in seconds. \
    zero_window: closed, or opened after so many seconds. rtt_shift: means before and since, seconds. \
    icmp: type, code and name of the error, and whether the segment that it quotes can have been in flight (RFC 5927, 4.1).";

fn detail(row: &Event, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{}", row.detail);
}
