//! Explicit congestion notification between two speakers (RFC 3168, 6.1).

use wire::TcpFlags;

use super::segment::{Cause, Codepoint, Segment};

/// A speaker's part of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ecn {
    /// Both agreed on it in their SYNs.
    agreed: bool,
    /// A segment arrived with a mark, and the peer has not said yet that it sends less.
    echoes: bool,
    /// The next new data says that its sender sends less.
    reduced: bool,
}

impl Ecn {
    /// The flags of a SYN that offers it, or of a SYN-ACK that agrees.
    pub(super) const fn offer(answers: bool) -> TcpFlags {
        if answers { TcpFlags::ECE } else { TcpFlags::ECE.with(TcpFlags::CWR) }
    }

    /// A SYN or SYN-ACK with these flags has arrived at a speaker that is willing or not; whether they agree.
    pub(super) fn negotiate(&mut self, flags: TcpFlags, willing: bool) -> bool {
        let offered = flags.has(TcpFlags::ECE) && (flags.ack() || flags.has(TcpFlags::CWR));
        self.agreed = willing && offered;
        self.agreed
    }

    /// Whether the connection uses it.
    pub(super) const fn is_agreed(&self) -> bool {
        self.agreed
    }

    /// A segment has arrived; whether it echoes a mark.
    pub(super) fn received(&mut self, segment: &Segment) -> bool {
        if !self.agreed || segment.flags.syn() {
            return false;
        }
        if segment.flags.has(TcpFlags::CWR) {
            self.echoes = false;
        }
        if segment.ecn == Codepoint::Ce {
            self.echoes = true;
        }
        segment.flags.has(TcpFlags::ECE)
    }

    /// The congestion window was reduced because of an echo.
    pub(super) const fn reduce(&mut self) {
        self.reduced = true;
    }

    /// Fills in what a segment of this speaker says of it. Only new data may be marked, and says that less is sent.
    pub(super) fn stamp(&mut self, segment: &mut Segment) {
        if !self.agreed || segment.flags.syn() || segment.flags.rst() {
            return;
        }
        if self.echoes {
            segment.flags = segment.flags.with(TcpFlags::ECE);
        }
        if segment.cause == Cause::New && segment.len > 0 {
            segment.ecn = Codepoint::Ect0;
            if std::mem::take(&mut self.reduced) {
                segment.flags = segment.flags.with(TcpFlags::CWR);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_echoed_until_the_sender_says_that_it_sends_less() {
        let mut ecn = Ecn::default();
        assert!(ecn.negotiate(Ecn::offer(false), true));
        let data = |flags, ecn| Segment { len: 100, flags, ecn, ..Segment::default() };
        let mut flags = |arrives: Segment| {
            ecn.received(&arrives);
            let mut answer = data(TcpFlags::ACK, Codepoint::NotEct);
            ecn.stamp(&mut answer);
            (answer.flags, answer.ecn)
        };
        assert_eq!(flags(data(TcpFlags::ACK, Codepoint::Ect0)), (TcpFlags::ACK, Codepoint::Ect0));
        let echo = (TcpFlags::ACK.with(TcpFlags::ECE), Codepoint::Ect0);
        assert_eq!(flags(data(TcpFlags::ACK, Codepoint::Ce)), echo);
        assert_eq!(flags(data(TcpFlags::ACK, Codepoint::Ect0)), echo);
        assert_eq!(flags(data(TcpFlags::ACK.with(TcpFlags::CWR), Codepoint::Ect0)).0, TcpFlags::ACK);
    }

    #[test]
    fn a_syn_that_offers_nothing_and_an_unwilling_responder_agree_on_nothing() {
        let mut ecn = Ecn::default();
        assert!(!ecn.negotiate(TcpFlags::SYN, true));
        assert!(!ecn.negotiate(Ecn::offer(false), false));
        assert!(!ecn.negotiate(TcpFlags::SYN.with(TcpFlags::ECE), true), "ECE alone offers nothing");
        assert!(ecn.negotiate(TcpFlags::SYN.with(TcpFlags::ACK).with(TcpFlags::ECE), true));
    }
}
