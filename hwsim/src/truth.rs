//! The truth about a connection, written down as its segments pass the tap.
//!
//! It is told in the positions of the speakers, which neither wrap nor need guessing, and by who sent what: no rule of a tracker is
//! in it. Times are those of the capture file, in its resolution.

use std::io::{self, Write};

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

    /// Writes the row of [`COLUMNS`].
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{}", Seconds(self.first))?;
        for end in &self.addressing.ends {
            write!(out, ",{},{}", end.ip(self.addressing.family), end.port)?;
        }
        match self.addressing.vlan {
            Some(vlan) => write!(out, ",{vlan}")?,
            None => write!(out, ",")?,
        }
        write!(out, ",{},{}", self.conn_state(), self.ending().as_str())?;
        let counters: [fn(&Half) -> u64; 4] =
            [|half| half.pkts, |half| half.ip_bytes, |half| half.wire_bytes, |half| half.seen.bytes];
        for count in counters {
            for half in &self.halves {
                write!(out, ",{}", count(half))?;
            }
        }
        let [orig, resp] = &self.halves;
        for instant in [
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
            Some(self.last),
        ] {
            write!(out, ",{}", Seconds(instant))?;
        }
        writeln!(out)
    }
}

/// An instant as decimal seconds with nine digits; nothing where there is none.
struct Seconds(Option<Nanos>);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |ts| {
            let (seconds, nanos) = ts.split();
            write!(f, "{seconds}.{nanos:09}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
