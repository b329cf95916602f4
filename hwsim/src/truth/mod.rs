//! The truth about a connection, written down as its segments pass the tap.
//!
//! It is told in the positions of the speakers, which neither wrap nor need guessing, and by who sent what: no rule of a tracker is
//! in it. Times are those of the capture file, in its resolution.

mod passage;
mod repeats;
mod round_trip;
mod seen;
mod text;
mod window;

use wire::{Direction, Nanos};

use crate::frame::Addressing;
use crate::link::Passing;
use crate::speaker::Samples;
pub use passage::{Passage, SEGMENT_COLUMNS};
use repeats::Repeats;
use round_trip::HalfRoundTrip;
use seen::Seen;
use text::{address, duration, number, seconds};
use window::ClosedWindow;

/// The header line of the truth's CSV.
pub const COLUMNS: &str = "ts,orig_h,orig_p,resp_h,resp_p,vlan,conn_state,close_reason,orig_pkts,resp_pkts,orig_ip_bytes,\
    resp_ip_bytes,orig_wire_bytes,resp_wire_bytes,orig_unique_bytes,resp_unique_bytes,syn_ts,synack_ts,established_ts,\
    orig_first_data_ts,resp_first_data_ts,orig_last_data_ts,resp_last_data_ts,orig_fin_ts,resp_fin_ts,rst_ts,closed_ts,last_ts,\
    orig_rtx_fast,orig_rtx_timeout,orig_rtx_syn,orig_rtx_syn_data,orig_rtx_fin,orig_zero_window_probes,orig_keepalives,\
    orig_rtx_unnecessary,orig_reordered,orig_dup_network,orig_dup_capture,orig_rtx_sent,orig_zero_window_count,\
    orig_zero_window_time,orig_sender_rtt_n,orig_sender_rtt_min,orig_sender_rtt_mean,orig_sender_rtt_max,\
    orig_half_rtt_n,orig_half_rtt_min,orig_half_rtt_mean,orig_half_rtt_max,\
    resp_rtx_fast,resp_rtx_timeout,resp_rtx_syn,resp_rtx_syn_data,resp_rtx_fin,resp_zero_window_probes,resp_keepalives,\
    resp_rtx_unnecessary,resp_reordered,resp_dup_network,resp_dup_capture,resp_rtx_sent,resp_zero_window_count,\
    resp_zero_window_time,resp_sender_rtt_n,resp_sender_rtt_min,resp_sender_rtt_mean,resp_sender_rtt_max,\
    resp_half_rtt_n,resp_half_rtt_min,resp_half_rtt_mean,resp_half_rtt_max";

/// What a speaker knows of its own sending, and no tap can.
#[derive(Clone, Copy, Debug, Default)]
pub struct Knowledge {
    /// Segments that it has sent again, also those that were lost before the tap.
    pub again: u64,
    /// The round trips that it has measured, the handshake's included.
    pub round_trips: Samples,
}

/// What passed the tap of one connection.
#[derive(Clone, Debug)]
pub struct Truth {
    addressing: Addressing,
    /// The responder of the simulation was the first whose SYN passed, so that it is the originator here.
    is_flipped: bool,
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
#[derive(Clone, Debug)]
struct Half {
    pkts: u64,
    ip_bytes: u64,
    wire_bytes: u64,
    seen: Seen,
    first_data: Option<Nanos>,
    last_data: Option<Nanos>,
    fin: Option<Nanos>,
    sent_rst: bool,
    fin_position: Option<u64>,
    fin_acknowledged: bool,
    syn_acknowledged: bool,
    /// It has acknowledged without data, or sent its FIN, before any reset of its own.
    has_gone_on: bool,
    repeats: Repeats,
    closed_window: ClosedWindow,
    round_trip: HalfRoundTrip,
    knowledge: Knowledge,
}

impl Half {
    const fn new() -> Self {
        Self {
            pkts: 0,
            ip_bytes: 0,
            wire_bytes: 0,
            // Payload begins after the SYN.
            seen: Seen::from(1),
            first_data: None,
            last_data: None,
            fin: None,
            sent_rst: false,
            fin_position: None,
            fin_acknowledged: false,
            syn_acknowledged: false,
            has_gone_on: false,
            repeats: Repeats::new(),
            closed_window: ClosedWindow::NONE,
            round_trip: HalfRoundTrip::NONE,
            knowledge: Knowledge { again: 0, round_trips: Samples::NONE },
        }
    }
}

impl Half {
    /// A segment of this direction passes; whether it need not have been sent again.
    fn pass(&mut self, ts: Nanos, passing: &Passing, is_heard: bool, ip_len: u32) -> bool {
        let segment = &passing.segment;
        self.pkts += 1;
        self.ip_bytes += u64::from(ip_len);
        self.wire_bytes += u64::from(segment.len);
        if segment.len > 0 {
            let start = segment.first_byte();
            self.seen.add(start, start + u64::from(segment.len));
            self.first_data.get_or_insert(ts);
            self.last_data = Some(ts);
        }
        let is_bare = segment.len == 0 && !segment.flags.syn() && !segment.flags.rst();
        self.has_gone_on |= is_bare || segment.flags.fin();
        self.sent_rst |= segment.flags.rst();
        if segment.flags.fin() {
            self.fin.get_or_insert(ts);
            self.fin_position = Some(segment.end() - 1);
        }
        self.closed_window.pass(ts, segment);
        self.round_trip.pass(ts, segment, passing.fate);
        self.repeats.pass(segment, passing.fate, passing.arrives, is_heard)
    }

    /// Whether no payload of it has passed.
    const fn is_empty(&self) -> bool {
        self.seen.count() == 0
    }

    /// Appends what its sender, its links and its receiver made of it.
    fn write(&self, last: Nanos, row: &mut Vec<u8>) {
        for count in self.repeats.counters().chain([self.knowledge.again, self.closed_window.count()]) {
            row.push(b',');
            number(row, count);
        }
        row.push(b',');
        duration(row, self.closed_window.time(last));
        for samples in [self.knowledge.round_trips, self.round_trip.samples()] {
            row.push(b',');
            number(row, samples.count);
            let mean = samples.mean();
            for nanos in [mean.map(|_| samples.min), mean, mean.map(|_| samples.max)] {
                row.push(b',');
                if let Some(nanos) = nanos {
                    duration(row, nanos);
                }
            }
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
            is_flipped: false,
            halves: [Half::new(), Half::new()],
            first: None,
            syn: None,
            synack: None,
            established: None,
            rst: None,
            finished: None,
            last: Nanos::MIN,
        }
    }

    /// A segment of `from` passes the tap at `ts`, as the file says, in an IP datagram of `ip_len` bytes; `is_heard` says that its
    /// receiver's host is there and knows of the connection. Gives who sent it in this truth's terms, and whether it need not have
    /// been sent again.
    pub fn pass(
        &mut self,
        ts: Nanos,
        from: Direction,
        passing: &Passing,
        is_heard: bool,
        ip_len: u32,
    ) -> (Direction, bool) {
        let segment = &passing.segment;
        if self.first.is_none() && from == Direction::Resp && segment.flags.syn() && !segment.flags.ack() {
            self.is_flipped = true;
            self.addressing = self.addressing.reversed();
        }
        let from = self.oriented(from);
        self.first.get_or_insert(ts);
        self.last = ts;
        self.open(ts, from, passing);
        let half = &mut self.halves[from.index()];
        let unnecessary = half.pass(ts, passing, is_heard, ip_len);
        let peer = &mut self.halves[from.other().index()];
        if segment.flags.ack() {
            peer.fin_acknowledged |= peer.fin_position.is_some_and(|fin| segment.ack > fin);
            peer.round_trip.acknowledge(ts, segment.ack);
        }
        if segment.flags.rst() {
            self.rst.get_or_insert((ts, from));
        }
        if self.halves.iter().all(|half| half.fin_acknowledged) {
            self.finished.get_or_insert(ts);
        }
        (from, unnecessary)
    }

    /// Takes down what a speaker of the simulation knows.
    pub fn learn(&mut self, who: Direction, knowledge: Knowledge) {
        let who = self.oriented(who);
        self.halves[who.index()].knowledge = knowledge;
    }

    /// The ends as this truth tells them.
    #[must_use]
    pub const fn addressing(&self) -> &Addressing {
        &self.addressing
    }

    /// Originator or responder in this truth's terms.
    const fn oriented(&self, who: Direction) -> Direction {
        if self.is_flipped { who.other() } else { who }
    }

    fn open(&mut self, ts: Nanos, from: Direction, passing: &Passing) {
        let flags = passing.segment.flags;
        if flags.syn() && from == Direction::Orig {
            self.syn.get_or_insert(ts);
        } else if flags.syn() && flags.ack() {
            self.synack.get_or_insert(ts);
        }
        let peer = &mut self.halves[from.other().index()];
        peer.syn_acknowledged |= flags.ack() && !flags.rst() && passing.segment.ack > 0;
        if self.halves.iter().all(|half| half.syn_acknowledged) {
            self.established.get_or_insert(ts);
        }
    }

    /// Whether any of it has passed the tap.
    #[must_use]
    pub const fn was_seen(&self) -> bool {
        self.first.is_some()
    }

    /// When its last segment passed.
    #[must_use]
    pub const fn last(&self) -> Nanos {
        self.last
    }

    /// How it ended.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match (self.finished, self.rst) {
            (Some(finished), Some((rst, _))) if rst < finished => Ending::Rst,
            (Some(_), _) => Ending::Fin,
            (None, Some(_)) => Ending::Rst,
            (None, None) if self.halves[1].pkts == 0 && !self.halves[1].syn_acknowledged => Ending::Attempt,
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
        // To Zeek a reset after its sender's FIN is a normal end after all, once the other has sent a FIN too.
        let had_closed = |rst: Nanos, from: Direction| self.halves[from.index()].fin.is_some_and(|fin| fin <= rst);
        let is_silent = |who: Direction| self.halves[who.index()].pkts == 0;
        match self.rst.filter(|_| self.ending() == Ending::Rst) {
            // Of only one of them anything passed.
            Some(_) if is_silent(Direction::Orig) => "RSTRH",
            Some(_) if is_silent(Direction::Resp) && (self.syn.is_none() || self.halves[0].has_gone_on) => "OTH",
            None if is_silent(Direction::Orig) && resp_fin => "SHR",
            None if is_silent(Direction::Orig) => "OTH",
            None if is_silent(Direction::Resp) && orig_fin => "SH",
            Some((rst, from)) if orig_fin && resp_fin && had_closed(rst, from) => "SF",
            Some((_, Direction::Resp)) if self.synack.or(self.established).is_none() => "REJ",
            Some((_, Direction::Resp)) => "RSTR",
            Some((_, Direction::Orig)) if self.synack.or(self.established).is_none() => "RSTOS0",
            // Where both have reset it, Zeek looks at the responder first.
            Some((_, Direction::Orig)) if self.halves[1].sent_rst && self.halves.iter().all(Half::is_empty) => "REJ",
            Some((_, Direction::Orig)) if self.halves[1].sent_rst => "RSTR",
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
            [|half| half.pkts, |half| half.ip_bytes, |half| half.wire_bytes, |half| half.seen.count()];
        for (count, half) in counters.iter().flat_map(|count| self.halves.iter().map(move |half| (count, half))) {
            row.push(b',');
            number(row, count(half));
        }
        for instant in self.instants() {
            row.push(b',');
            seconds(row, instant);
        }
        for half in &self.halves {
            half.write(self.last, row);
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
