//! One endpoint, in Zeek's terms.

use serde::{Deserialize, Serialize};
use wire::{Segment, SeqNum};

/// Zeek's states of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Nothing was seen of it.
    Inactive,
    /// It sent a SYN.
    SynSent,
    /// It sent a SYN-ACK, and there was no SYN.
    SynAckSent,
    /// It sent something else, and no SYN.
    Partial,
    /// A SYN and its answer were seen.
    Established,
    /// It sent a FIN.
    Closed,
    /// It sent a RST.
    Reset,
}

/// Beyond this many bytes a sequence number on a SYN, a RST or a second FIN, or an acknowledgment of 0, is not believed.
const TOO_LARGE_JUMP: i32 = 1 << 20;

/// An endpoint. Positions are relative to its initial sequence number: its first byte of data stands at 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    state: State,
    previous: State,
    /// Initial sequence number, or what it must have been.
    start: SeqNum,
    /// Position after the last byte it sent.
    last: i64,
    /// Position that its peer has acknowledged.
    acked: i64,
    /// Position after its FIN, if it sent one.
    pub(super) fin_end: Option<i64>,
    /// It was reported closed.
    pub(super) did_close: bool,
    pub(super) last_syn: i64,
    pub(super) last_fin: i64,
    pub(super) last_rst: i64,
    pub(super) retransmissions: Scaled,
    pub(super) zero_windows: Scaled,
    pub(super) gaps: Scaled,
    pub(super) reassembly: super::reassembly::Reassembly,
}

/// A count that shows on a logarithmic scale: at 1, 10, 100 and so on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Scaled {
    count: u32,
    next: u32,
}

impl Scaled {
    const fn new() -> Self {
        Self { count: 0, next: 1 }
    }

    /// Counts one, and says whether the next step of the scale was reached.
    pub(super) fn bump(&mut self) -> bool {
        self.count = self.count.saturating_add(1);
        let reached = self.count == self.next;
        if reached {
            self.next = self.next.saturating_mul(10);
        }
        reached
    }
}

/// Sequence space of a segment; the payload of a RST is no part of the stream.
pub(super) fn segment_len(segment: &Segment) -> u32 {
    if segment.flags.rst() { segment.seq_len().wrapping_sub(segment.payload_len) } else { segment.seq_len() }
}

impl Endpoint {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Inactive,
            previous: State::Inactive,
            start: SeqNum(0),
            last: 0,
            acked: 0,
            fin_end: None,
            did_close: false,
            last_syn: 0,
            last_fin: 0,
            last_rst: 0,
            retransmissions: Scaled::new(),
            zero_windows: Scaled::new(),
            gaps: Scaled::new(),
            reassembly: super::reassembly::Reassembly::new(),
        }
    }

    /// Reads what every segment needs, so that it is in the cache then.
    pub(super) const fn touch(&self) -> u64 {
        (self.last ^ self.acked).unsigned_abs() ^ self.start.0 as u64 ^ self.reassembly.touch()
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    pub(super) const fn previous(&self) -> State {
        self.previous
    }

    pub(super) fn enter(&mut self, state: State) {
        if state != self.state {
            self.previous = self.state;
            self.state = state;
        }
    }

    /// Established, or closed by a FIN after that.
    pub(super) fn is_clean(&self) -> bool {
        self.state == State::Established || self.state == State::Closed && self.previous == State::Established
    }

    pub(super) const fn start(&self) -> SeqNum {
        self.start
    }

    pub(super) const fn acked(&self) -> i64 {
        self.acked
    }

    /// Nothing but possibly the SYN was acknowledged.
    pub(super) const fn no_data_acked(&self) -> bool {
        self.acked == 0 || self.acked == 1
    }

    /// Extent of its sequence space, SYN and FIN left out: Zeek's `orig_bytes`/`resp_bytes`.
    pub(super) fn size(&self, peer: &Self) -> u64 {
        let aborted_half_open =
            self.previous == State::SynSent && self.state == State::Reset && peer.state == State::Inactive;
        if aborted_half_open && !self.no_data_acked() {
            return 0;
        }
        let octets = i64::from(self.fin_end.is_some()) + 1;
        u64::try_from(self.last.max(self.acked) - octets).unwrap_or(0)
    }

    /// Sets up the sequence space at its first segment, and again at a SYN that starts it anew; returns the segment's position.
    pub(super) fn place(&mut self, segment: &Segment, seq_end: SeqNum) -> i64 {
        let syn = segment.flags.syn();
        match self.state {
            State::Inactive if syn => self.restart(segment.seq, seq_end),
            // As though there had been a SYN, so that positions are the same as with one.
            State::Inactive => self.restart(segment.seq.minus(1), segment.seq),
            State::SynSent | State::SynAckSent if syn && segment.seq != self.start => {
                self.restart(segment.seq, seq_end)
            }
            State::Established | State::Partial if syn => self.restart(segment.seq, seq_end),
            // A RST that was the first segment may have been forged: the SYN knows better.
            State::Reset if syn && self.previous == State::Inactive => self.restart(segment.seq, seq_end),
            _ => {}
        }
        self.position(segment.seq, self.last)
    }

    /// It has sent nothing yet, but its peer acknowledges `ack`: it must have started just before.
    pub(super) fn presume(&mut self, ack: SeqNum) -> i64 {
        self.start = ack.minus(1);
        self.last = 0;
        self.acked = 0;
        1
    }

    fn restart(&mut self, start: SeqNum, last: SeqNum) {
        self.start = start;
        self.last = i64::from(last.distance(start));
        self.acked = 0;
    }

    /// Its peer acknowledges `ack`; returns the position, or 0 where it lies before the start. The acknowledgment of a RST is not
    /// to be trusted.
    pub(super) fn acknowledged(&mut self, ack: SeqNum, trusted: bool) -> i64 {
        let position = self.position(ack, self.acked);
        if position < 0 {
            return 0;
        }
        let delta = position - self.acked;
        let broken = ack == SeqNum(0) && delta > i64::from(TOO_LARGE_JUMP);
        if trusted && !broken && delta > 0 {
            self.acked = position;
        }
        position
    }

    /// Takes in the end of a segment; returns whether Zeek calls it a retransmission.
    pub(super) fn advance(&mut self, segment: &Segment, seq_end: SeqNum) -> bool {
        let position = self.position(seq_end, self.last);
        let delta = position - self.last;
        // A second FIN far away from the first is not Zeek's to judge: it has forgotten the connection by then.
        let second_fin = segment.flags.fin() && self.state == State::Closed;
        let control = segment.flags.syn() || segment.flags.rst() || second_fin;
        if control && delta.abs() > i64::from(TOO_LARGE_JUMP) {
            return false;
        }
        if segment.flags.fin() && self.last == 1 {
            // Only the SYN was seen before, so however far away the FIN is, it ends the stream.
            self.last = position.max(i64::from(seq_end.0.wrapping_sub(self.start.0)));
            return false;
        }
        if self.state == State::Reset {
            return false;
        }
        if delta > 0 {
            self.last = position;
        }
        delta <= 0 && segment.payload_len > 0
    }

    pub(super) fn saw_fin(&mut self, end: i64) {
        self.fin_end = Some(end);
    }

    /// The position of `seq`, taken as near to the position `near` as it can be.
    fn position(&self, seq: SeqNum, near: i64) -> i64 {
        let near_seq = self.start.plus(near as u32);
        near + i64::from(seq.distance(near_seq))
    }
}
