//! IPFIX files (RFC 5655): messages of RFC 7011 one after another, a record a connection, both directions in it (RFC 5103).
//!
//! ```text
//! message   10 | length | export time u32 | records before u32 | domain 1, then sets
//! templates set 2: 256 for IPv4, 257 for IPv6, in the first message
//! records   set 256, set 257
//! ```
//!
//! Elements are those of IANA's registry, and what the responder sent stands in the same elements reversed, under the private
//! enterprise number 29305: a reader needs nothing of ours. The source is the originator. Instants are NTP's (RFC 7011, 6.1.10): 32 bits of seconds since 1900, which begin again in 2036,
//! and 32 bits of fraction, which give every nanosecond back. The export time is the latest instant so far, so that the same
//! campaign always gives the same file.

use std::io::Write;
use std::net::IpAddr;

use arrow_array::RecordBatch;
use recorder::Table;

use super::TableWriter;
use crate::ReportError;
use crate::cell::{Cell, Column};

const VERSION: u16 = 10;
const DOMAIN: u32 = 1;
const TEMPLATES: u16 = 2;
/// The template of each family.
const TEMPLATE: [u16; 2] = [256, 257];
/// Marks an element whose definition is an enterprise's (RFC 7011, 3.2).
const ENTERPRISE: u16 = 0x8000;
/// The enterprise number of reversed elements (RFC 5103, 6.1).
const REVERSE: u32 = 29_305;
const HEADER: usize = 16;
const SET_HEADER: usize = 4;
/// A message is written before its records exceed this; RFC 7011 allows 65,535 bytes with headers and templates.
const MAX_RECORDS: usize = 60_000;
/// From NTP's epoch, 1900, to ours.
const FROM_1900: i64 = 2_208_988_800;
const TCP: u64 = 6;

/// An information element, and where its value comes from.
struct Element {
    id: u16,
    length: u16,
    reversed: bool,
    value: Value,
}

#[derive(Clone, Copy)]
enum Value {
    Number(&'static str),
    Instant(&'static str),
    Protocol,
    /// flowEndReason: 1 idle timeout, 3 end of flow detected, 4 forced end, 5 lack of resources.
    EndReason,
    /// biflowDirection: 1 the source is the initiator, 0 nobody knows.
    Initiator,
}

const fn element(id: u16, length: u16, value: Value) -> Element {
    Element { id, length, reversed: false, value }
}

const fn reversed(id: u16, length: u16, column: &'static str) -> Element {
    Element { id, length, reversed: true, value: Value::Number(column) }
}

/// Source and destination address of each family: element and length.
const ADDRESSES: [[(u16, u16); 2]; 2] = [[(8, 4), (12, 4)], [(27, 16), (28, 16)]];

/// What follows the addresses.
const ELEMENTS: [Element; 21] = [
    element(7, 2, Value::Number("orig_p")),     // sourceTransportPort
    element(11, 2, Value::Number("resp_p")),    // destinationTransportPort
    element(4, 1, Value::Protocol),             // protocolIdentifier
    element(239, 1, Value::Initiator),          // biflowDirection
    element(136, 1, Value::EndReason),          // flowEndReason
    element(58, 2, Value::Number("vlan")),      // vlanId, 0 where there was no tag
    element(148, 8, Value::Number("uid")),      // flowId
    element(156, 8, Value::Instant("ts")),      // flowStartNanoseconds
    element(157, 8, Value::Instant("last_ts")), // flowEndNanoseconds
    element(2, 8, Value::Number("orig_pkts")),  // packetDeltaCount
    reversed(2, 8, "resp_pkts"),
    element(1, 8, Value::Number("orig_ip_bytes")), // octetDeltaCount
    reversed(1, 8, "resp_ip_bytes"),
    element(401, 8, Value::Number("orig_wire_bytes")), // transportOctetDeltaCount: payload
    reversed(401, 8, "resp_wire_bytes"),
    element(218, 8, Value::Number("orig_syn_pkts")), // tcpSynTotalCount
    reversed(218, 8, "resp_syn_pkts"),
    element(219, 8, Value::Number("orig_fin_pkts")), // tcpFinTotalCount
    reversed(219, 8, "resp_fin_pkts"),
    element(220, 8, Value::Number("orig_rst_pkts")), // tcpRstTotalCount
    reversed(220, 8, "resp_rst_pkts"),
];

/// Columns that say how a connection ended and began, besides those of the elements.
const OTHERS: [&str; 5] = ["orig_h", "resp_h", "close_reason", "direction_by", "final"];

/// Writes an IPFIX file.
#[derive(Debug)]
pub struct IpfixWriter<W> {
    out: W,
    /// Records of each family for the message that is being filled.
    records: [Vec<u8>; 2],
    /// How many they are.
    waiting: u32,
    /// Records in earlier messages.
    before: u32,
    /// The latest instant so far, seconds since 1970.
    latest: u32,
    has_templates: bool,
}

impl<W: Write> IpfixWriter<W> {
    /// A writer to `out`.
    pub const fn new(out: W) -> Self {
        let records = [Vec::new(), Vec::new()];
        Self { out, records, waiting: 0, before: 0, latest: 0, has_templates: false }
    }

    /// The columns of the connections table that a record is made of.
    pub fn columns() -> impl Iterator<Item = &'static str> {
        let named = ELEMENTS.iter().filter_map(|element| match element.value {
            Value::Number(column) | Value::Instant(column) => Some(column),
            Value::Protocol | Value::EndReason | Value::Initiator => None,
        });
        OTHERS.into_iter().chain(named)
    }

    /// Writes the message that is being filled.
    fn message(&mut self) -> Result<(), ReportError> {
        let mut sets = Vec::new();
        if !self.has_templates {
            push_set(&mut sets, TEMPLATES, &templates());
            self.has_templates = true;
        }
        for (template, records) in TEMPLATE.into_iter().zip(&mut self.records) {
            if !records.is_empty() {
                push_set(&mut sets, template, records);
                records.clear();
            }
        }
        let mut header = Vec::with_capacity(HEADER);
        header.extend(VERSION.to_be_bytes());
        header.extend(((HEADER + sets.len()) as u16).to_be_bytes());
        header.extend(self.latest.to_be_bytes());
        header.extend(self.before.to_be_bytes());
        header.extend(DOMAIN.to_be_bytes());
        self.out.write_all(&header)?;
        self.out.write_all(&sets)?;
        self.before = self.before.wrapping_add(std::mem::take(&mut self.waiting));
        Ok(())
    }
}

impl<W: Write> TableWriter for IpfixWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let rows = Rows::of(batch)?;
        for row in (0..batch.num_rows()).filter(|&row| rows.is_final(row)) {
            let end = rows.last.cell(row).instant().unwrap_or(0).div_euclid(1_000_000_000);
            self.latest = self.latest.max(u32::try_from(end.max(0)).unwrap_or(u32::MAX));
            rows.push(row, &mut self.records)?;
            self.waiting += 1;
            if self.records.iter().map(Vec::len).sum::<usize>() > MAX_RECORDS {
                self.message()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        if self.waiting > 0 || !self.has_templates {
            self.message()?;
        }
        Ok(self.out.flush()?)
    }
}

fn push_set(out: &mut Vec<u8>, id: u16, content: &[u8]) {
    out.extend(id.to_be_bytes());
    out.extend(((SET_HEADER + content.len()) as u16).to_be_bytes());
    out.extend_from_slice(content);
}

/// The templates of both families.
fn templates() -> Vec<u8> {
    let mut out = Vec::new();
    for (template, addresses) in TEMPLATE.into_iter().zip(ADDRESSES) {
        out.extend(template.to_be_bytes());
        out.extend(((addresses.len() + ELEMENTS.len()) as u16).to_be_bytes());
        for (id, length) in addresses {
            out.extend(id.to_be_bytes());
            out.extend(length.to_be_bytes());
        }
        for element in ELEMENTS {
            out.extend((if element.reversed { element.id | ENTERPRISE } else { element.id }).to_be_bytes());
            out.extend(element.length.to_be_bytes());
            if element.reversed {
                out.extend(REVERSE.to_be_bytes());
            }
        }
    }
    out
}

/// The columns of a batch that make records.
struct Rows<'a> {
    addresses: [Column<'a>; 2],
    finals: Column<'a>,
    close_reason: Column<'a>,
    direction_by: Column<'a>,
    last: Column<'a>,
    /// The column of each element, where it has one.
    values: Vec<Option<Column<'a>>>,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, ReportError> {
        let column = |name| Column::require(batch, Table::Connections, name);
        let values = ELEMENTS.iter().map(|element| match element.value {
            Value::Number(name) | Value::Instant(name) => column(name).map(Some),
            Value::Protocol | Value::EndReason | Value::Initiator => Ok(None),
        });
        Ok(Self {
            addresses: [column("orig_h")?, column("resp_h")?],
            finals: column("final")?,
            close_reason: column("close_reason")?,
            direction_by: column("direction_by")?,
            last: column("last_ts")?,
            values: values.collect::<Result<_, _>>()?,
        })
    }

    fn is_final(&self, row: usize) -> bool {
        self.finals.cell(row).is_true()
    }

    /// Appends the record of a row to those of its family.
    fn push(&self, row: usize, records: &mut [Vec<u8>; 2]) -> Result<(), ReportError> {
        let [orig, resp] = [self.address(0, row)?, self.address(1, row)?];
        let out = &mut records[usize::from(orig.is_ipv6())];
        for address in [orig, resp] {
            match address {
                IpAddr::V4(address) => out.extend(address.octets()),
                IpAddr::V6(address) => out.extend(address.octets()),
            }
        }
        for (element, column) in ELEMENTS.iter().zip(&self.values) {
            let cell = column.as_ref().map_or(Cell::Missing, |column| column.cell(row));
            let number = match element.value {
                Value::Number(_) => cell.unsigned().unwrap_or(0),
                Value::Instant(_) => ntp(cell.instant().unwrap_or(0)),
                Value::Protocol => TCP,
                Value::EndReason => end_reason(self.close_reason.cell(row).text()),
                Value::Initiator => matches!(self.direction_by.cell(row).text(), Some("syn" | "synack")).into(),
            };
            let bytes = number.to_be_bytes();
            out.extend_from_slice(&bytes[bytes.len() - usize::from(element.length)..]);
        }
        Ok(())
    }

    fn address(&self, end: usize, row: usize) -> Result<IpAddr, ReportError> {
        let column = &self.addresses[end];
        let text = column.cell(row).text().unwrap_or_default();
        text.parse().map_err(|_| ReportError::Address { column: column.name().to_owned(), text: text.to_owned() })
    }
}

/// flowEndReason (IANA's element 136).
fn end_reason(close_reason: Option<&str>) -> u64 {
    match close_reason {
        Some("attempt_timeout" | "idle_timeout") => 1,
        Some("campaign_end") | None => 4,
        Some("evicted") => 5,
        Some(_) => 3,
    }
}

/// NTP's 64 bits of an instant. The fraction is rounded up, so that whoever cuts or rounds finds the same nanosecond.
fn ntp(nanos: i64) -> u64 {
    const SECOND: i64 = 1_000_000_000;
    let seconds = (nanos.div_euclid(SECOND) + FROM_1900) as u32;
    let fraction = ((nanos.rem_euclid(SECOND) as u64) << 32).div_ceil(SECOND as u64);
    u64::from(seconds) << 32 | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nanosecond_comes_back_from_its_fraction() {
        for nanos in [0, 1, 2, 3, 499_999_999, 500_000_000, 999_999_998, 999_999_999] {
            let fraction = u64::from(ntp(nanos) as u32);
            assert_eq!((fraction * 1_000_000_000) >> 32, nanos as u64);
        }
        assert_eq!(ntp(0) >> 32, FROM_1900 as u64);
        assert_eq!(ntp(-1) >> 32, FROM_1900 as u64 - 1);
        // The era that begins in 2036.
        assert_eq!(ntp((4_294_967_296 - FROM_1900) * 1_000_000_000), 0);
    }
}
