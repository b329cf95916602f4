//! The truth about a connection, written down as its segments pass the tap.
//!
//! It is told in the positions of the speakers, which neither wrap nor need guessing, and by who sent what: no rule of a tracker is
//! in it. Times are those of the capture file, in its resolution.

use std::net::IpAddr;

use wire::{Direction, Nanos};

use crate::frame::Addressing;
use crate::speaker::Segment;

/// The header line of the truth's CSV.
pub const COLUMNS: &str = "ts,orig_h,orig_p,resp_h,resp_p,vlan,conn_state,close_reason,orig_pkts,resp_pkts,orig_ip_bytes,\
    resp_ip_bytes,orig_wire_bytes,resp_wire_bytes,orig_unique_bytes,resp_unique_bytes,syn_ts,synack_ts,established_ts,\
    orig_first_data_ts,resp_first_data_ts,orig_last_data_ts,resp_last_data_ts,orig_fin_ts,resp_fin_ts,rst_ts,closed_ts,last_ts";

/// What passed the tap of one connection.
#[derive(Clone, Debug)]
pub struct Truth {
    addressing: Addressing,
    halves: [Half; 2],
    first: Option<Nanos>,
    syn: Option<Nanos>,
    synack: Option<Nanos>,
    established: Option<Nanos>,
    rst: Option<(Nanos, Direction)>,
    /// Both FINs acknowledged.
    finished: Option<Nanos>,
    last: Nanos,
}

/// What passed in one direction.
#[derive(Clone, Debug, Default)]
struct Half {
    pkts: u64,
    ip_bytes: u64,
    wire_bytes: u64,
    seen: Seen,
    first_data: Option<Nanos>,
    last_data: Option<Nanos>,
    fin: Option<Nanos>,
    fin_position: Option<u64>,
    fin_acknowledged: bool,
}

/// Distinct payload positions that have passed.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Everything before has passed, except what `gaps` holds.
    end: u64,
    gaps: Vec<(u64, u64)>,
    bytes: u64,
}

impl Seen {
    /// Payload begins after the SYN.
    const FIRST: u64 = 1;

    fn add(&mut self, start: u64, end: u64) {
        let reached = self.end.max(Self::FIRST);
        if start > reached {
            self.gaps.push((reached, start));
        }
        if end > reached {
            self.bytes += end - start.max(reached);
            self.end = end;
        }
        if start < reached && !self.gaps.is_empty() {
            self.fill(start, end);
        }
    }

    fn fill(&mut self, start: u64, end: u64) {
        for (left, right) in std::mem::take(&mut self.gaps) {
            let (from, to) = (left.max(start), right.min(end));
            if from >= to {
                self.gaps.push((left, right));
                continue;
            }
            self.bytes += to - from;
            self.gaps.extend([(left, from), (to, right)].into_iter().filter(|(left, right)| left < right));
        }
    }
}

/// How a connection ended, as TCP.md defines it for an observer who needs no timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Both FINs were acknowledged.
    Fin,
    /// A reset.
    Rst,
    /// Nothing ever answered the SYN.
    Attempt,
    /// It was still open when the capture or the simulation ended.
    Open,
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 4] = [Self::Fin, Self::Rst, Self::Attempt, Self::Open];

    /// The text of the column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Attempt => "attempt",
            Self::Open => "open",
        }
    }
}

impl Truth {
    /// Nothing has passed yet.
    #[must_use]
    pub fn new(addressing: Addressing) -> Self {
        Self {
            addressing,
            halves: [Half::default(), Half::default()],
            first: None,
            syn: None,
            synack: None,
            established: None,
            rst: None,
            finished: None,
            last: Nanos::MIN,
        }
    }

    /// A segment of `from` passes the tap in an IP datagram of `ip_len` bytes.
    pub fn pass(&mut self, ts: Nanos, from: Direction, segment: &Segment, ip_len: u32) {
        self.first.get_or_insert(ts);
        self.last = ts;
        self.open(ts, from, segment);
        let half = &mut self.halves[from.index()];
        half.pkts += 1;
        half.ip_bytes += u64::from(ip_len);
        half.wire_bytes += u64::from(segment.len);
        if segment.len > 0 {
            half.seen.add(segment.seq, segment.seq + u64::from(segment.len));
            half.first_data.get_or_insert(ts);
            half.last_data = Some(ts);
        }
        if segment.flags.fin() {
            half.fin.get_or_insert(ts);
            half.fin_position = Some(segment.end() - 1);
        }
        let peer = &mut self.halves[from.other().index()];
        let acknowledges = segment.flags.ack() && peer.fin_position.is_some_and(|fin| segment.ack > fin);
        peer.fin_acknowledged |= acknowledges;
        if segment.flags.rst() {
            self.rst.get_or_insert((ts, from));
        }
        if self.halves.iter().all(|half| half.fin_acknowledged) {
            self.finished.get_or_insert(ts);
        }
    }

    fn open(&mut self, ts: Nanos, from: Direction, segment: &Segment) {
        let flags = segment.flags;
        match from {
            Direction::Orig if flags.syn() => {
                self.syn.get_or_insert(ts);
            }
            Direction::Resp if flags.syn() => {
                self.synack.get_or_insert(ts);
            }
            Direction::Orig if flags.ack() && !flags.rst() && self.synack.is_some() => {
                self.established.get_or_insert(ts);
            }
            _ => {}
        }
    }

    /// Whether any of it has passed the tap.
    #[must_use]
    pub const fn was_seen(&self) -> bool {
        self.first.is_some()
    }

    /// How it ended.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match (self.finished, self.rst) {
            (Some(finished), Some((rst, _))) if rst < finished => Ending::Rst,
            (Some(_), _) => Ending::Fin,
            (None, Some(_)) => Ending::Rst,
            (None, None) if self.halves[1].pkts == 0 => Ending::Attempt,
            (None, None) => Ending::Open,
        }
    }

    /// The segment that closed it.
    fn closed(&self) -> Option<Nanos> {
        match self.ending() {
            Ending::Fin => self.finished,
            Ending::Rst => self.rst.map(|(ts, _)| ts),
            Ending::Attempt | Ending::Open => None,
        }
    }

    /// Zeek's `conn_state`.
    #[must_use]
    pub fn conn_state(&self) -> &'static str {
        let [orig_fin, resp_fin] = [0, 1].map(|at: usize| self.halves[at].fin.is_some());
        match self.rst.filter(|_| self.ending() == Ending::Rst) {
            Some((_, Direction::Resp)) if self.synack.is_none() => "REJ",
            Some((_, Direction::Resp)) => "RSTR",
            Some((_, Direction::Orig)) if self.synack.is_none() => "RSTOS0",
            Some((_, Direction::Orig)) => "RSTO",
            None if orig_fin && resp_fin => "SF",
            None if orig_fin => "S2",
            None if resp_fin => "S3",
            None if self.synack.is_some() => "S1",
            None => "S0",
        }
    }

    /// Appends the row of [`COLUMNS`].
    pub fn write(&self, row: &mut Vec<u8>) {
        seconds(row, self.first);
        for end in &self.addressing.ends {
            row.push(b',');
            address(row, end.ip(self.addressing.family));
            row.push(b',');
            number(row, u64::from(end.port));
        }
        row.push(b',');
        if let Some(vlan) = self.addressing.vlan {
            number(row, u64::from(vlan));
        }
        for text in [self.conn_state(), self.ending().as_str()] {
            row.push(b',');
            row.extend_from_slice(text.as_bytes());
        }
        let counters: [fn(&Half) -> u64; 4] =
            [|half| half.pkts, |half| half.ip_bytes, |half| half.wire_bytes, |half| half.seen.bytes];
        for (count, half) in counters.iter().flat_map(|count| self.halves.iter().map(move |half| (count, half))) {
            row.push(b',');
            number(row, count(half));
        }
        for instant in self.instants() {
            row.push(b',');
            seconds(row, instant);
        }
        row.push(b'\n');
    }

    /// The instants in the order of their columns.
    fn instants(&self) -> [Option<Nanos>; 12] {
        let [orig, resp] = &self.halves;
        [
            self.syn,
            self.synack,
            self.established,
            orig.first_data,
            resp.first_data,
            orig.last_data,
            resp.last_data,
            orig.fin,
            resp.fin,
            self.rst.map(|(ts, _)| ts),
            self.closed(),
            self.first.map(|_| self.last),
        ]
    }
}

/// Appends an address as text.
fn address(row: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for (at, octet) in ip.octets().into_iter().enumerate() {
                if at > 0 {
                    row.push(b'.');
                }
                number(row, u64::from(octet));
            }
        }
        IpAddr::V6(ip) => row.extend_from_slice(ip.to_string().as_bytes()),
    }
}

/// Appends an instant as decimal seconds with nine digits; nothing where there is none.
fn seconds(row: &mut Vec<u8>, instant: Option<Nanos>) {
    let Some(ts) = instant else { return };
    let (seconds, nanos) = ts.split();
    number(row, seconds.unsigned_abs());
    row.push(b'.');
    row.extend_from_slice(&digits(u64::from(nanos))[LONGEST - 9..]);
}

/// Appends a number in decimal. The formatting machinery would take longer than the simulation of a short connection.
fn number(row: &mut Vec<u8>, value: u64) {
    let digits = digits(value);
    let zeros = digits.iter().take(LONGEST - 1).take_while(|digit| **digit == b'0').count();
    row.extend_from_slice(&digits[zeros..]);
}

/// Digits of the largest number.
const LONGEST: usize = 20;

fn digits(mut value: u64) -> [u8; LONGEST] {
    let mut digits = [b'0'; LONGEST];
    for digit in digits.iter_mut().rev() {
        if value == 0 {
            break;
        }
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for value in [0, 7, 10, 1_000_000_007, u64::MAX] {
            let mut row = Vec::new();
            number(&mut row, value);
            assert_eq!(row, value.to_string().as_bytes());
        }
        let mut row = Vec::new();
        seconds(&mut row, Some(Nanos(1_767_225_600_000_000_042)));
        assert_eq!(row, b"1767225600.000000042");
    }

    #[test]
    fn bytes_that_pass_twice_are_distinct_once_also_across_gaps() {
        let mut seen = Seen::default();
        for (start, end, distinct) in [
            (1, 101, 100),
            (201, 301, 200),
            (1, 101, 200),
            (51, 251, 300),
            (401, 402, 301),
            (301, 402, 401),
            (1, 402, 401),
        ] {
            seen.add(start, end);
            assert_eq!(seen.bytes, distinct, "after {start}..{end}");
        }
        assert!(seen.gaps.is_empty());
    }
}
