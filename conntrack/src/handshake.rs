//! The instants of the handshake, and the round trips that they show.

use serde::{Deserialize, Serialize};
use wire::{Direction, Nanos, Segment, SeqNum};

use crate::moment::Moment;
use crate::tcp::Kind;

/// The opening of a connection.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Handshake {
    syn: Moment,
    synack: Moment,
    acked: Moment,
    /// What the acknowledgment of the SYN-ACK says.
    expected_ack: SeqNum,
    /// A SYN or SYN-ACK was sent again, so nobody knows which one was answered (Karn, Partridge 1987).
    ambiguous: [bool; 2],
}

impl Default for Handshake {
    fn default() -> Self {
        Self {
            syn: Moment::NEVER,
            synack: Moment::NEVER,
            acked: Moment::NEVER,
            expected_ack: SeqNum(0),
            ambiguous: [false; 2],
        }
    }
}

impl Handshake {
    /// Takes in a segment of `from`. Who sends a SYN-ACK before any SYN was seen stands as the originator until the next packet tells.
    pub(crate) fn note(&mut self, from: Direction, kind: Kind, segment: &Segment, ts: Nanos) {
        if self.acked.came() {
            return;
        }
        match (from, kind) {
            (Direction::Orig, Kind::Syn) => {
                self.ambiguous[0] |= self.syn.came();
                self.syn.set_first(ts);
            }
            (side, Kind::SynAck) if side == Direction::Resp || !self.syn.came() => {
                self.ambiguous[1] |= self.synack.came();
                self.synack.set_first(ts);
                self.expected_ack = segment.seq.plus(1);
            }
            (Direction::Orig, Kind::Ack | Kind::Fin | Kind::Rst)
                if self.synack.came() && segment.flags.ack() && !segment.ack.is_before(self.expected_ack) =>
            {
                self.acked.set(ts);
            }
            // It acknowledges a SYN-ACK that was not seen, or not yet.
            (Direction::Orig, Kind::Ack | Kind::Fin) if self.syn.came() && !self.synack.came() => {
                self.ambiguous = [true; 2];
            }
            _ => {}
        }
    }

    /// Whether the acknowledgment of the SYN-ACK was seen: nothing more changes.
    pub(crate) fn is_complete(&self) -> bool {
        self.acked.came()
    }

    /// The SYN-ACK names a start that both endpoints contradict, so what acknowledges it is unknown.
    pub(crate) fn doubt_synack(&mut self) {
        self.ambiguous[1] = true;
    }

    /// First SYN of the originator.
    pub(crate) fn syn(&self) -> Option<Nanos> {
        self.syn.get()
    }

    /// First SYN-ACK of the responder, or of whoever began with one.
    pub(crate) fn synack(&self) -> Option<Nanos> {
        self.synack.get()
    }

    /// SYN to SYN-ACK, and SYN-ACK to its acknowledgment, ns; none that is ambiguous or negative.
    pub(crate) fn rtts(&self) -> (Option<i64>, Option<i64>) {
        let between = |from: Moment, to: Moment| Some(to.get()?.since(from.get()?)).filter(|&rtt| rtt >= 0);
        let [syn_again, synack_again] = self.ambiguous;
        let syn_rtt = between(self.syn, self.synack).filter(|_| !syn_again);
        let ack_rtt = between(self.synack, self.acked).filter(|_| !synack_again);
        (syn_rtt, ack_rtt)
    }
    /// The whole round trip, ns, where both halves are known.
    pub(crate) fn rtt(&self) -> Option<i64> {
        let (syn_rtt, ack_rtt) = self.rtts();
        Some(syn_rtt?.saturating_add(ack_rtt?))
    }
}
