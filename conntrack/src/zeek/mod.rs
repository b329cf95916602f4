//! The connection as Zeek would see it: `conn_state`, `history`, `orig_bytes`/`resp_bytes` and `missed_bytes`.
//!
//! The field reads Zeek's letters, so they must be exactly Zeek's, also where Zeek's machine knows less than ours. This is
//! therefore a machine of its own, fed with every segment in parallel, whose verdicts touch nothing else. It follows the
//! behaviour of Zeek 8's `TCPSessionAdapter`, `TCP_Endpoint` and `TCP_Reassembler` with checksums ignored (`-C`), as its documentation
//! and its observable output define it; timers are ours. One thing is deliberately different: a payload that a snaplen cut was seen,
//! so it is not missed.

mod endpoint;
mod history;
mod machine;
mod reassembly;
mod summary;

use serde::{Deserialize, Serialize};
use wire::{Direction, Nanos, Segment, SeqNum, TcpFlags};

use crate::coverage::{Coverage, Range};
use endpoint::{Endpoint, State};
use history::Letters;

/// The bytes of one direction that were seen before the segment at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream<'a> {
    /// The bytes, at positions relative to `base`.
    pub(crate) seen: &'a Coverage,
    /// What the tracker takes for the initial sequence number; Zeek may believe in another one.
    pub(crate) base: SeqNum,
}

/// Zeek's view of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct View {
    endpoints: [Endpoint; 2],
    letters: Letters,
    /// Bit 0: the originator was heard, bit 1: the responder was.
    heard: [bool; 2],
    /// A connection that began before the capture, in Zeek's sense: the first packet of a side was no SYN.
    partial: bool,
    missed_bytes: u64,
    first: Nanos,
    last: Nanos,
}

/// What the rest of the tracker must do after [`View::observe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roles {
    /// The roles stay.
    Stay,
    /// Originator and responder were taken for each other: they are exchanged from this segment on.
    Flipped,
}

impl Stream<'_> {
    /// How much further on a position stands here than relative to `start`.
    fn shift(&self, start: SeqNum) -> i64 {
        i64::from(start.distance(self.base))
    }

    /// Bytes of `within`, relative to `start`, that were not seen.
    fn missing(&self, start: SeqNum, within: Range) -> impl Iterator<Item = i64> {
        let shift = self.shift(start);
        let within = Range { start: within.start + shift, end: within.end + shift };
        self.seen.missing(within).map(|hole| hole.end - hole.start)
    }

    /// The position, relative to `start`, up to which everything from `from` on was seen.
    fn contiguous_from(&self, start: SeqNum, from: i64) -> i64 {
        let shift = self.shift(start);
        self.seen.contiguous_from(from + shift) - shift
    }

    /// The position, relative to `start`, after the highest byte seen.
    fn high(&self, start: SeqNum) -> i64 {
        self.seen.high() - self.shift(start)
    }
}

impl View {
    /// A connection whose first packet comes at `ts`.
    pub(crate) fn new(ts: Nanos) -> Self {
        Self {
            endpoints: [Endpoint::new(), Endpoint::new()],
            letters: Letters::new(),
            heard: [false; 2],
            partial: false,
            missed_bytes: 0,
            first: ts,
            last: ts,
        }
    }

    /// Notes that the roles were exchanged before the first packet, because of a port.
    pub(crate) fn flipped_by_port(&mut self) {
        self.letters.push(b'^');
    }

    /// Reads what every segment needs, so that it is in the cache then.
    pub(crate) fn touch(&self) -> u64 {
        let [orig, resp] = &self.endpoints;
        self.missed_bytes ^ orig.touch() ^ resp.touch()
    }

    /// Acknowledged bytes that were never seen, both directions, as Zeek counts them.
    pub(crate) const fn missed_bytes(&self) -> u64 {
        self.missed_bytes
    }

    /// Takes in a segment. `streams` are the bytes seen so far of both directions (this segment's not yet), originator first.
    pub(crate) fn observe(&mut self, from: Direction, segment: &Segment, ts: Nanos, streams: [Stream<'_>; 2]) -> Roles {
        if self.is_plain(from, segment) {
            self.observe_plain(from, segment, ts, &streams);
            return Roles::Stay;
        }
        self.note_partial(from, segment);
        let seq_end = segment.seq.plus(endpoint::segment_len(segment));
        let position = self.endpoint(from).place(segment, seq_end);
        let underflow = position < 0;
        let (from, roles) = self.note_history(from, segment, position);
        let streams = if roles == Roles::Flipped { [streams[1], streams[0]] } else { streams };
        self.note_window(from, segment);
        if !self.endpoints.iter().all(|endpoint| endpoint.did_close) {
            self.last = ts;
        }
        if segment.flags.fin() {
            let fin_end = position + i64::from(endpoint::segment_len(segment));
            self.endpoint(from).saw_fin(fin_end);
        }
        let acked = if segment.flags.ack() { Some(self.note_ack(from, segment)) } else { None };
        self.note_end(from, segment, seq_end);
        // Zeek works out who sent the segment before it may exchange the roles, and its machine goes on with that.
        let as_zeek_knows = if roles == Roles::Flipped { from.other() } else { from };
        let reversed = self.step(as_zeek_knows, from, segment);
        let (from, streams) = match reversed {
            Roles::Flipped => (from.other(), [streams[1], streams[0]]),
            Roles::Stay => (from, streams),
        };
        if let Some(acked) = acked {
            self.acknowledge(from.other(), acked, &streams[from.other().index()]);
        }
        self.heard[from.index()] = true;
        if segment.payload_len > 0 && !segment.flags.rst() && !underflow {
            let start = position + i64::from(segment.flags.syn());
            self.deliver(from, start, segment.payload_len, &streams[from.index()]);
        }
        if roles == reversed { Roles::Stay } else { Roles::Flipped }
    }

    /// Whether a segment changes no state and writes no letter, unless for what is lost or sent again: data or an acknowledgment between
    /// endpoints that have both sent their like before.
    fn is_plain(&self, from: Direction, segment: &Segment) -> bool {
        let flags = segment.flags;
        let control = flags.0 & (TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0) != 0;
        let established = self.endpoints.iter().all(|endpoint| endpoint.state() == State::Established);
        let follows =
            established && self.heard == [true; 2] && self.letters.has_productive(from, segment.payload_len > 0);
        follows && !control && flags.ack() && segment.window != 0
    }

    /// [`View::observe`] for a segment that [`View::is_plain`].
    fn observe_plain(&mut self, from: Direction, segment: &Segment, ts: Nanos, streams: &[Stream<'_>; 2]) {
        let position = self.endpoint(from).place(segment, segment.seq);
        if !self.endpoints.iter().all(|endpoint| endpoint.did_close) {
            self.last = ts;
        }
        let acked = self.endpoint(from.other()).acknowledged(segment.ack, true);
        self.note_end(from, segment, segment.seq.plus(segment.payload_len));
        self.acknowledge(from.other(), acked, &streams[from.other().index()]);
        if segment.payload_len > 0 && position >= 0 {
            self.deliver(from, position, segment.payload_len, &streams[from.index()]);
        }
    }

    fn endpoint(&mut self, side: Direction) -> &mut Endpoint {
        &mut self.endpoints[side.index()]
    }

    fn note_partial(&mut self, from: Direction, segment: &Segment) {
        let flags = segment.flags;
        match from {
            Direction::Orig if !self.heard[0] => self.partial = !flags.syn() || flags.ack(),
            Direction::Resp if !self.heard[1] && !self.partial => self.partial = !flags.syn(),
            _ => {}
        }
    }

    /// A zero window is worth a letter unless it comes with or after a RST, or the peer has nothing more to send.
    fn note_window(&mut self, from: Direction, segment: &Segment) {
        let peer_state = self.endpoint(from.other()).state();
        let endpoint = self.endpoint(from);
        let boring = segment.flags.rst() || peer_state == State::Closed || endpoint.state() == State::Reset;
        if segment.window == 0 && !boring && endpoint.zero_windows.bump() {
            self.letters.push_from(from, b'W');
        }
    }

    /// Takes in the acknowledgment and returns the peer's position that it names.
    fn note_ack(&mut self, from: Direction, segment: &Segment) -> i64 {
        let trusted = !segment.flags.rst();
        let peer = self.endpoint(from.other());
        if peer.state() == State::Inactive {
            peer.presume(segment.ack)
        } else {
            peer.acknowledged(segment.ack, trusted)
        }
    }

    fn note_end(&mut self, from: Direction, segment: &Segment, seq_end: SeqNum) {
        let endpoint = self.endpoint(from);
        if endpoint.advance(segment, seq_end) && endpoint.retransmissions.bump() {
            self.letters.push_from(from, b'T');
        }
    }

    fn flip(&mut self) {
        self.endpoints.swap(0, 1);
        self.heard.swap(0, 1);
        self.partial = false;
        self.letters.push(b'^');
    }
}
