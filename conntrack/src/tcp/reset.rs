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
        Verdict::SeqAbove | Verdict::SeqBelow => Reset::Ignored,
        // In the window of what is sent again, but not in the receiver's own, which begins where it expects the next byte.
        _ if below => Reset::Ignored,
        Verdict::InWindow | Verdict::AckAbove | Verdict::AckBelow => Reset::Suspect,
    }
}

/// The first answer to a SYN: it acknowledges the SYN, or carries no acknowledgment to compare.
fn refuses_syn(sender: &Half, receiver: &Half, segment: &Segment) -> bool {
    let unanswered = receiver.state == TcpState::SynSent && !sender.heard;
    let compares = segment.flags.ack() && segment.ack != SeqNum(0);
    unanswered && (!compares || segment.ack == receiver.window.end || segment.ack == receiver.base.plus(1))
}

/// Where the receiver expects the next byte: at its last acknowledgment, or after the sender's last byte. A sender that was never
/// heard has nothing to compare with, unless it answers a SYN: then what it acknowledges counts alone.
fn is_exact(sender: &Half, receiver: &Half, segment: &Segment) -> bool {
    !sender.heard && receiver.state != TcpState::SynSent
        || receiver.last_ack == Some(segment.seq)
        || sender.heard && segment.seq == sender.window.end
        || sender.fin_end.is_some_and(|end| end == segment.seq || end == segment.seq.plus(1))
}
