//! Whether a RST is believed (RFC 5961, 3.2, as a bystander can apply it).

use wire::{Segment, SeqNum};

use super::window::Verdict;
use crate::half::Half;
use crate::record::TcpState;

/// What a RST does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reset {
    /// It closes the connection at its instant.
    Exact,
    /// It may be a forgery: it closes the connection only if silence confirms it.
    Suspect,
    /// It does nothing.
    Ignored,
}

/// Judges a RST of `sender`.
pub(crate) fn judge(sender: &Half, receiver: &Half, segment: &Segment, verdict: Verdict) -> Reset {
    if refuses_syn(sender, receiver, segment) || is_exact(sender, receiver, segment) {
        return Reset::Exact;
    }
    let below = receiver.last_ack.is_some_and(|expected| segment.seq.is_before(expected));
    match verdict {
        // After the last byte of a sender that went on beyond the window: its own, but its receiver need not believe it.
        Verdict::SeqAbove if sender.window.is_overrun_to(segment.seq) => Reset::Suspect,
        Verdict::SeqAbove | Verdict::SeqBelow => Reset::Ignored,
        // In the window of what is sent again, but not in the receiver's own, which begins where it expects the next byte.
        _ if below => Reset::Ignored,
        Verdict::InWindow | Verdict::AckAbove | Verdict::AckBelow => Reset::Suspect,
    }
}

/// The first answer to a SYN, other RSTs apart: it acknowledges the SYN (RFC 9293, 3.10.7.3), or has 0 where the number should be.
fn refuses_syn(sender: &Half, receiver: &Half, segment: &Segment) -> bool {
    let unanswered = receiver.state == TcpState::SynSent && sender.pkts == sender.rst_pkts;
    let expected = [SeqNum(0), receiver.window.end, receiver.base.plus(1)];
    unanswered && segment.flags.ack() && expected.contains(&segment.ack)
}

/// Where the receiver expects the next byte: at its last acknowledgment, or after the sender's last byte. A sender that was neither heard
/// nor acknowledged has nothing to compare with, unless it answers a SYN: then what it acknowledges counts alone.
pub(crate) fn is_exact(sender: &Half, receiver: &Half, segment: &Segment) -> bool {
    !sender.heard && receiver.last_ack.is_none() && receiver.state != TcpState::SynSent
        || receiver.last_ack == Some(segment.seq)
        || sender.heard && sender.window.known() && segment.seq == sender.window.end
        || sender.fin_end.is_some_and(|end| end == segment.seq || end == segment.seq.plus(1))
}
