//! What the connections of a campaign add up to.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use recorder::Table;
use serde::Serialize;

use super::exact::Seconds;
use super::networks::GatherNetworks;
use super::spread::{Gather, Spread};
use crate::ReportError;
use crate::cell::{Cell, Column};
use crate::services;

/// How many ports the summary names.
const TOP_PORTS: usize = 10;

/// The columns that [`GatherConnections`] reads.
pub const COLUMNS: [&str; 27] = [
    "final",
    "partial",
    "orig_h",
    "resp_h",
    "resp_p",
    "conn_state",
    "close_reason",
    "ts",
    "last_ts",
    "established_ts",
    "duration",
    "orig_pkts",
    "resp_pkts",
    "orig_ip_bytes",
    "resp_ip_bytes",
    "orig_wire_bytes",
    "resp_wire_bytes",
    "orig_unique_bytes",
    "resp_unique_bytes",
    "missed_bytes",
    "syn_rtt",
    "ack_rtt",
    "handshake_rtt",
    "headers",
    "lost_capture",
    "anomalies",
    "tunnel",
];

/// Connections, counted once each: interim rows do not count.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Connections {
    /// All of them.
    pub total: u64,
    /// Over IPv4.
    pub ipv4: u64,
    /// Over IPv6.
    pub ipv6: u64,
    /// Inside a tunnel.
    pub tunnelled: u64,
    /// Without a SYN: they began before the capture.
    pub partial: u64,
    /// Seen from the handshake to a close by FIN, RST or reuse.
    pub whole: u64,
    /// With an oddity.
    pub anomalous: u64,
    /// The capture may have lost packets of them.
    pub lost_capture: u64,
    /// By Zeek's state.
    pub by_conn_state: BTreeMap<String, u64>,
    /// By what ended them; those still open at the end are under `campaign_end`.
    pub by_close_reason: BTreeMap<String, u64>,
    /// By oddity; a connection may have several.
    pub by_anomaly: BTreeMap<String, u64>,
}

/// A quantity by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Halves {
    /// Sent by originators.
    pub orig: u64,
    /// Sent by responders.
    pub resp: u64,
}

impl Halves {
    /// Both directions.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.orig.saturating_add(self.resp)
    }
}

/// What the connections carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Traffic {
    /// Packets.
    pub packets: Halves,
    /// IP bytes, headers included.
    pub ip_bytes: Halves,
    /// Payload bytes, retransmissions counted.
    pub wire_bytes: Halves,
    /// Distinct payload bytes.
    pub unique_bytes: Halves,
    /// Bytes acknowledged but never seen, both directions.
    pub missed_bytes: u64,
}

/// How quantities spread over connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spreads {
    /// Seconds from first packet to close, of whole connections.
    pub duration: Option<Spread<Seconds>>,
    /// Distinct payload bytes of originators, of whole connections.
    pub orig_unique_bytes: Option<Spread<u64>>,
    /// Distinct payload bytes of responders, of whole connections.
    pub resp_unique_bytes: Option<Spread<u64>>,
    /// SYN to SYN-ACK, seconds, of all connections that show it.
    pub syn_rtt: Option<Spread<Seconds>>,
    /// SYN-ACK to its acknowledgment, seconds, of all connections that show it.
    pub ack_rtt: Option<Spread<Seconds>>,
    /// Their sum, seconds.
    pub handshake_rtt: Option<Spread<Seconds>>,
}

/// A responder's port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its number.
    pub port: u16,
    /// The service that IANA registers for it.
    pub service: Option<&'static str>,
    /// Connections to it.
    pub connections: u64,
    /// Their IP bytes, both directions.
    pub ip_bytes: u64,
}

/// Recorded headers as the connections tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Headers {
    /// How many headers.
    pub recorded: u64,
    /// How many connections have some.
    pub connections: u64,
}

/// Adds up batches of the connections table.
pub struct GatherConnections {
    /// So far.
    pub connections: Connections,
    /// So far.
    pub traffic: Traffic,
    /// So far.
    pub headers: Headers,
    /// First packet of any connection so far, ns.
    pub first: Option<i64>,
    /// Last packet of any connection so far, ns.
    pub last: Option<i64>,
    /// The networks of originators and responders, so far.
    pub networks: [GatherNetworks; 2],
    ports: Vec<Port>,
    duration: Gather,
    unique_bytes: [Gather; 2],
    syn_rtt: Gather,
    ack_rtt: Gather,
    handshake_rtt: Gather,
}

impl Default for GatherConnections {
    fn default() -> Self {
        let port = |port| Port { port, service: services::name(port), ..Port::default() };
        let ports = (0..=u16::MAX).map(port).collect();
        Self {
            connections: Connections::default(),
            traffic: Traffic::default(),
            headers: Headers::default(),
            first: None,
            last: None,
            networks: Default::default(),
            ports,
            duration: Gather::default(),
            unique_bytes: [Gather::default(), Gather::default()],
            syn_rtt: Gather::default(),
            ack_rtt: Gather::default(),
            handshake_rtt: Gather::default(),
        }
    }
}

impl GatherConnections {
    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// [`ReportError::ColumnMissing`] or [`ReportError::ColumnType`] for a table of another make.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let finals = Column::require(batch, Table::Connections, "final")?;
        let rows = Rows { batch, rows: (0..batch.num_rows()).filter(|&row| finals.cell(row).is_true()).collect() };
        self.add_counts(&rows)?;
        self.add_traffic(&rows)?;
        self.add_ports(&rows)?;
        self.add_networks(&rows)?;
        self.add_spreads(&rows)
    }

    /// The ports with the most connections, the busiest first.
    #[must_use]
    pub fn top_ports(&self) -> Vec<Port> {
        let mut ports = self.ports.iter().copied().filter(|port| port.connections > 0).collect::<Vec<_>>();
        ports.sort_by_key(|port| (std::cmp::Reverse((port.connections, port.ip_bytes)), port.port));
        ports.truncate(TOP_PORTS);
        ports
    }

    /// How quantities spread.
    #[must_use]
    pub fn spreads(&self) -> Spreads {
        let [orig, resp] = &self.unique_bytes;
        Spreads {
            duration: self.duration.times(),
            orig_unique_bytes: orig.counts(),
            resp_unique_bytes: resp.counts(),
            syn_rtt: self.syn_rtt.times(),
            ack_rtt: self.ack_rtt.times(),
            handshake_rtt: self.handshake_rtt.times(),
        }
    }

    fn add_counts(&mut self, rows: &Rows<'_>) -> Result<(), ReportError> {
        let counts = &mut self.connections;
        let all = rows.rows.len() as u64;
        rows.each("ts", |cell| self.first = [self.first, cell.instant()].into_iter().flatten().min())?;
        rows.each("last_ts", |cell| self.last = self.last.max(cell.instant()))?;
        let ipv6 = rows.count("orig_h", |cell| cell.text().is_some_and(|address| address.contains(':')))?;
        counts.total += all;
        counts.ipv6 += ipv6;
        counts.ipv4 += all - ipv6;
        counts.tunnelled += rows.count("tunnel", |cell| cell.text().is_some())?;
        counts.partial += rows.count("partial", Cell::is_true)?;
        counts.lost_capture += rows.count("lost_capture", Cell::is_true)?;
        rows.tally("conn_state", &mut counts.by_conn_state)?;
        rows.tally("close_reason", &mut counts.by_close_reason)?;
        counts.anomalous += rows.tally("anomalies", &mut counts.by_anomaly)?;
        self.headers.recorded += rows.sum("headers")?;
        self.headers.connections += rows.count("headers", |cell| cell.unsigned().is_some_and(|headers| headers > 0))?;
        Ok(())
    }

    fn add_traffic(&mut self, rows: &Rows<'_>) -> Result<(), ReportError> {
        let traffic = &mut self.traffic;
        for (halves, orig, resp) in [
            (&mut traffic.packets, "orig_pkts", "resp_pkts"),
            (&mut traffic.ip_bytes, "orig_ip_bytes", "resp_ip_bytes"),
            (&mut traffic.wire_bytes, "orig_wire_bytes", "resp_wire_bytes"),
            (&mut traffic.unique_bytes, "orig_unique_bytes", "resp_unique_bytes"),
        ] {
            halves.orig = halves.orig.saturating_add(rows.sum(orig)?);
            halves.resp = halves.resp.saturating_add(rows.sum(resp)?);
        }
        traffic.missed_bytes = traffic.missed_bytes.saturating_add(rows.sum("missed_bytes")?);
        Ok(())
    }

    fn add_ports(&mut self, rows: &Rows<'_>) -> Result<(), ReportError> {
        let (port, orig, resp) = (rows.column("resp_p")?, rows.column("orig_ip_bytes")?, rows.column("resp_ip_bytes")?);
        for &row in &rows.rows {
            let number = port.cell(row).unsigned().and_then(|port| usize::try_from(port).ok());
            let Some(port) = number.and_then(|number| self.ports.get_mut(number)) else { continue };
            port.connections += 1;
            for bytes in [&orig, &resp] {
                port.ip_bytes = port.ip_bytes.saturating_add(bytes.cell(row).unsigned().unwrap_or(0));
            }
        }
        Ok(())
    }

    fn add_networks(&mut self, rows: &Rows<'_>) -> Result<(), ReportError> {
        let (orig, resp) = (rows.column("orig_ip_bytes")?, rows.column("resp_ip_bytes")?);
        for (networks, column) in self.networks.iter_mut().zip(["orig_h", "resp_h"]) {
            let address = rows.column(column)?;
            for &row in &rows.rows {
                let number = |column: &Column<'_>| column.cell(row).unsigned().unwrap_or(0);
                networks.add(address.cell(row).text().unwrap_or_default(), number(&orig).saturating_add(number(&resp)));
            }
        }
        Ok(())
    }

    fn add_spreads(&mut self, rows: &Rows<'_>) -> Result<(), ReportError> {
        let whole = rows.whole()?;
        self.connections.whole += whole.rows.len() as u64;
        whole
            .each("duration", |cell| cell.seconds().into_iter().for_each(|length| self.duration.add_seconds(length)))?;
        for (gather, column) in self.unique_bytes.iter_mut().zip(["orig_unique_bytes", "resp_unique_bytes"]) {
            whole.each(column, |cell| cell.unsigned().into_iter().for_each(|bytes| gather.add(bytes)))?;
        }
        for (gather, column) in
            [(&mut self.syn_rtt, "syn_rtt"), (&mut self.ack_rtt, "ack_rtt"), (&mut self.handshake_rtt, "handshake_rtt")]
        {
            rows.each(column, |cell| cell.seconds().into_iter().for_each(|rtt| gather.add_seconds(rtt)))?;
        }
        Ok(())
    }
}

/// Some rows of a batch.
struct Rows<'a> {
    batch: &'a RecordBatch,
    rows: Vec<usize>,
}

impl<'a> Rows<'a> {
    fn column(&self, name: &'static str) -> Result<Column<'a>, ReportError> {
        Column::require(self.batch, Table::Connections, name)
    }

    fn each(&self, column: &'static str, mut take: impl FnMut(Cell<'a>)) -> Result<(), ReportError> {
        let column = self.column(column)?;
        self.rows.iter().for_each(|&row| take(column.cell(row)));
        Ok(())
    }

    fn count(&self, column: &'static str, counts: impl Fn(Cell<'a>) -> bool) -> Result<u64, ReportError> {
        let mut count = 0;
        self.each(column, |cell| count += u64::from(counts(cell)))?;
        Ok(count)
    }

    fn sum(&self, column: &'static str) -> Result<u64, ReportError> {
        let mut sum = 0_u64;
        self.each(column, |cell| sum = sum.saturating_add(cell.unsigned().unwrap_or(0)))?;
        Ok(sum)
    }

    /// Counts each text, or each text of a list; returns how many rows had any.
    fn tally(&self, column: &'static str, counts: &mut BTreeMap<String, u64>) -> Result<u64, ReportError> {
        let mut named = 0;
        self.each(column, |cell| match cell {
            Cell::Text(text) => {
                named += 1;
                add_one(counts, text);
            }
            Cell::List(texts) => {
                named += u64::from(texts.iter().next().is_some());
                texts.iter().for_each(|text| add_one(counts, text));
            }
            _ => {}
        })?;
        Ok(named)
    }

    /// The connections that were seen from the handshake to their close.
    fn whole(&self) -> Result<Self, ReportError> {
        let (partial, established, reason) =
            (self.column("partial")?, self.column("established_ts")?, self.column("close_reason")?);
        let is_whole = |&row: &usize| {
            let closed = matches!(reason.cell(row).text(), Some("fin" | "rst" | "reused"));
            closed && established.cell(row).instant().is_some() && !partial.cell(row).is_true()
        };
        Ok(Self { batch: self.batch, rows: self.rows.iter().copied().filter(is_whole).collect() })
    }
}

fn add_one(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}
