//! How connections went and what ended them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::Data;
use super::super::page::{Bar, Content, Figure};
use super::super::words::{counted, share};
use super::panel;
use crate::summary::{REASONS, STATES, explained};
use crate::text::count;

/// Zeek's states.
pub fn states(campaigns: &[Data]) -> Figure {
    Figure {
        id: "fig-states".to_owned(),
        title: "How connections went".to_owned(),
        wide: campaigns.len() > 1,
        content: bars(campaigns, &STATES, |data| &data.summary.connections.by_conn_state),
        reading: "Zeek's conn_state: what was seen of opening and closing. S0 and REJ in great number are scans, or \
            a service that is down."
            .to_owned(),
        basis: basis(campaigns, "conn_state"),
        data: None,
    }
}

/// What ended them.
pub fn reasons(campaigns: &[Data]) -> Figure {
    Figure {
        id: "fig-reasons".to_owned(),
        title: "What ended connections".to_owned(),
        wide: campaigns.len() > 1,
        content: bars(campaigns, &REASONS, |data| &data.summary.connections.by_close_reason),
        reading: "FIN and RST are ends that the endpoints made, told to the nanosecond; a silence or a full table \
            are ends that the tracker made, as a last resort."
            .to_owned(),
        basis: basis(campaigns, "close_reason"),
        data: None,
    }
}

fn basis(campaigns: &[Data], column: &str) -> String {
    let total = campaigns.iter().map(|data| data.summary.connections.total).sum();
    format!("table connections, column {column}, final rows: {}.", counted(total, "connection"))
}

fn bars(campaigns: &[Data], words: &[(&str, &str)], counts: fn(&Data) -> &BTreeMap<String, u64>) -> Vec<Content> {
    if campaigns.iter().all(|data| counts(data).is_empty()) {
        return vec![Content::Refused("No connection was recorded.".to_owned())];
    }
    let list = |data: &Data| {
        let total = data.summary.connections.total;
        let mut named: Vec<(&String, u64)> = counts(data).iter().map(|(name, number)| (name, *number)).collect();
        named.sort_by_key(|&(_, number)| Reverse(number));
        let bar = |(name, number): (&String, u64)| Bar {
            name: name.clone(),
            words: explained(words, name).to_owned(),
            value: count(number),
            share: share(number, total),
        };
        (panel(campaigns, data), named.into_iter().map(bar).collect())
    };
    vec![Content::Bars(campaigns.iter().map(list).collect())]
}
