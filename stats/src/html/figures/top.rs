//! Who talks, and about what.

use super::super::Data;
use super::super::page::{Bar, Content, Figure};
use super::super::words::{counted, share};
use super::panel;
use crate::services;
use crate::text::{bytes, count};

/// Services: the responders' ports with the most connections.
pub fn services(campaigns: &[Data]) -> Figure {
    let list = |data: &Data| {
        let total = data.summary.connections.total;
        let bars = data.summary.responder_ports.iter().map(|port| Bar {
            name: services::port(port.port),
            words: bytes(port.ip_bytes),
            value: count(port.connections),
            share: share(port.connections, total),
        });
        (panel(campaigns, data), bars.collect())
    };
    Figure {
        id: "fig-services".to_owned(),
        title: "Services".to_owned(),
        wide: campaigns.len() > 1,
        content: content(campaigns, list),
        reading: "The responders' ports with the most connections, the name that IANA registers for them, and the \
            IP bytes of both directions. A port is a guess at a service, no more."
            .to_owned(),
        basis: basis(campaigns, "resp_p; shares of all connections"),
        data: None,
    }
}

/// Top talkers.
pub fn hosts(campaigns: &[Data]) -> Figure {
    let list = |data: &Data| {
        let total = data.summary.traffic.ip_bytes.total();
        let bars = data.connections.hosts.iter().map(|host| Bar {
            name: host.name.clone(),
            words: counted(host.connections, "connection"),
            value: bytes(host.bytes),
            share: share(host.bytes, total),
        });
        (panel(campaigns, data), bars.collect())
    };
    let exactness = match campaigns.iter().filter_map(|data| data.connections.lacking).max_by_key(|most| most.bytes) {
        None => "; every figure is exact".to_owned(),
        Some(most) => format!(
            "; of so many addresses not all could be kept, so that a figure may lack up to {} and {}",
            bytes(most.bytes),
            counted(most.connections, "connection")
        ),
    };
    Figure {
        id: "fig-hosts".to_owned(),
        title: "Top talkers".to_owned(),
        wide: campaigns.len() > 1,
        content: content(campaigns, list),
        reading: "The addresses with the most IP bytes, sent and received, whichever end of a connection they were. \
            Each byte counts for both of its ends, so that the shares add up to 200 %."
            .to_owned(),
        basis: basis(campaigns, "orig_h, resp_h and ip_bytes") + &exactness + ".",
        data: None,
    }
}

fn basis(campaigns: &[Data], columns: &str) -> String {
    let total = campaigns.iter().map(|data| data.summary.connections.total).sum();
    format!("table connections, {}, columns {columns}", counted(total, "final row"))
}

fn content(campaigns: &[Data], list: impl Fn(&Data) -> (String, Vec<Bar>)) -> Vec<Content> {
    if campaigns.iter().all(|data| data.summary.connections.total == 0) {
        return vec![Content::Refused("No connection was recorded.".to_owned())];
    }
    vec![Content::Bars(campaigns.iter().map(list).collect())]
}
