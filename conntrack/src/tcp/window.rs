//! Whether a segment can be what its receiver expects.
//!
//! The rules are van Rooij's ("Real Stateful TCP Packet Filtering in IP Filter", 2001), as nf_conntrack applies them: for a segment of
//! S towards R, with R's acknowledgments and windows as they passed the tap,
//! 1. `seq <= S.max_end`: not beyond what R allowed;
//! 2. `end >= S.end - R.max_win`: not older than R's window;
//! 3. `ack <= R.end`: acknowledges nothing that R did not send;
//! 4. `ack >= R.end - max(66000, S.max_win)`: not an old acknowledgment.
//!
//! What one sent beyond what the other allowed, in a segment that began within that, does not count for the lower bounds.

use serde::{Deserialize, Serialize};
use wire::{Segment, SeqNum};

use super::Kind;
use crate::half::Half;

/// nf_conntrack's MAXACKWINCONST: an old acknowledgment may lag by a maximum unscaled window, at least.
const MAX_ACK_LAG: u32 = 66_000;

/// RFC 7323, 2.3: a window is at most 2^30 bytes.
const MAX_WINDOW: u32 = 1 << 30;

/// RFC 7323, 2.3: a window field is shifted by 14 at most.
const MAX_SCALE: u32 = 14;

/// One endpoint's sequence space as the tap saw it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Window {
    /// The sequence number after the last byte it sent.
    pub(crate) end: SeqNum,
    /// The sequence number up to which its peer allows it to send.
    max_end: SeqNum,
    /// The largest window it advertised, bytes; 0 while it was not heard.
    max_win: u32,
    /// Shift of its window field.
    scale: u8,
    /// The furthest end of a segment of it that was not believed, or an acknowledgment of it that leapt.
    doubted: Option<SeqNum>,
}

impl Window {
    pub(crate) const fn unknown() -> Self {
        Self { end: SeqNum(0), max_end: SeqNum(0), max_win: 0, scale: 0, doubted: None }
    }

    /// Whether the endpoint was heard or presumed.
    pub(crate) const fn known(&self) -> bool {
        self.max_win != 0
    }

    /// Whether a segment of the endpoint was not believed that may be its own all the same.
    pub(crate) const fn doubts(&self) -> bool {
        self.doubted.is_some()
    }

    /// The sequence number after the last byte that it sent as far as its peer allowed it.
    fn allowed(&self) -> SeqNum {
        if self.end.is_after(self.max_end) { self.max_end } else { self.end }
    }

    /// Whether the furthest that is doubted ends there.
    pub(crate) fn is_doubted(&self, end: SeqNum) -> bool {
        self.doubted == Some(end)
    }

    /// Whether its sender has gone on to there beyond what it was allowed, step by step.
    pub(crate) fn is_overrun_to(&self, end: SeqNum) -> bool {
        self.is_doubted(end) && !self.has_leapt()
    }

    /// Whether what is doubted lies far beyond all that its receiver allowed.
    fn has_leapt(&self) -> bool {
        self.doubted.is_some_and(|end| end.is_after(self.max_end.plus(MAX_ACK_LAG)))
    }

    /// Whether what was saved can be shifted by.
    pub(crate) const fn is_sound(&self) -> bool {
        (self.scale as u32) < u32::BITS
    }

    /// The window field of a segment of this endpoint in bytes: never scaled on a SYN.
    pub(crate) fn advertised(&self, segment: &Segment) -> u32 {
        if segment.flags.syn() { u32::from(segment.window) } else { u32::from(segment.window) << self.scale }
    }

    /// The window field that says the largest window advertised so far, if a scaled one can.
    pub(crate) fn field(&self) -> Option<u16> {
        let field = self.max_win >> self.scale;
        u16::try_from(field).ok().filter(|_| field << self.scale == self.max_win)
    }
}

/// The outcome of the window check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It fits.
    InWindow,
    /// Beyond what the receiver allowed.
    SeqAbove,
    /// Older than the receiver's window.
    SeqBelow,
    /// Acknowledges what was never sent.
    AckAbove,
    /// Acknowledges what was acknowledged long ago.
    AckBelow,
}

/// Checks a segment of `sender`. An endpoint that was not heard yet sets no bounds.
pub(crate) fn check(sender: &Half, receiver: &Half, segment: &Segment) -> Verdict {
    if let verdict @ (Verdict::SeqAbove | Verdict::SeqBelow) = check_seq(sender, receiver, segment) {
        return verdict;
    }
    // A RST in answer to a segment without ACK may carry an acknowledgment of 0 (nf_conntrack tolerates it too).
    let no_ack = !segment.flags.ack() || segment.flags.rst() && segment.ack == SeqNum(0);
    if no_ack || !receiver.window.known() {
        return Verdict::InWindow;
    }
    if segment.ack.is_after(receiver.window.end) {
        return Verdict::AckAbove;
    }
    let lag = MAX_ACK_LAG.max(sender.window.max_win);
    if segment.ack.is_before(receiver.window.allowed().minus(lag)) {
        return Verdict::AckBelow;
    }
    Verdict::InWindow
}

fn check_seq(sender: &Half, receiver: &Half, segment: &Segment) -> Verdict {
    let window = &sender.window;
    if !window.known() || !receiver.heard {
        return Verdict::InWindow;
    }
    if segment.seq.is_after(window.max_end) {
        return Verdict::SeqAbove;
    }
    if segment.seq_end().is_before(window.allowed().minus(receiver.window.max_win)) {
        return Verdict::SeqBelow;
    }
    Verdict::InWindow
}

/// Takes in a segment of `sender` that the connection believes; its acknowledgment only if it `acks`.
pub(crate) fn update(sender: &mut Half, receiver: &mut Half, kind: Kind, segment: &Segment, acks: bool) {
    let end = segment.seq_end();
    let disowns = disowns_leap(sender, segment);
    if kind == Kind::SynAck || kind == Kind::Syn {
        agree_on_scale(sender, receiver, kind);
    }
    let advertised = sender.window.advertised(segment).min(MAX_WINDOW);
    let peer_allows = receiver.window.max_win;
    let mine = &mut sender.window;
    if !mine.known() {
        mine.end = end;
        // Until the peer acknowledges something, it allows what it advertised so far.
        mine.max_end = end.plus(peer_allows);
    }
    mine.end = mine.end.later(end);
    // What the stream has reached is doubted no more; numbers wrap, and it would stand ahead again.
    mine.doubted = mine.doubted.filter(|doubted| !disowns && doubted.is_after(mine.end));
    if !receiver.heard {
        mine.max_end = mine.max_end.later(end);
    }
    // A zero window still lets the peer probe with one byte.
    mine.max_win = mine.max_win.max(advertised).max(1);
    if !acks || kind == Kind::Rst {
        return;
    }
    let theirs = &mut receiver.window;
    if !theirs.known() {
        // The peer has not been heard: it sent at least what is acknowledged.
        theirs.end = segment.ack;
        theirs.max_end = segment.ack;
        theirs.max_win = 1;
    }
    theirs.max_end = theirs.max_end.later(segment.ack.plus(advertised.max(1)));
}

/// Scaling holds only if both SYNs carried the option (RFC 7323, 2.2).
fn agree_on_scale(sender: &mut Half, receiver: &mut Half, kind: Kind) {
    let shifts = (sender.wscale(), receiver.wscale());
    let (mine, theirs) = match shifts {
        (Some(mine), Some(theirs)) => (mine, theirs),
        // The answer is still to come.
        (Some(mine), None) if kind == Kind::Syn && !receiver.syn_seen => (mine, 0),
        _ => (0, 0),
    };
    sender.window.scale = mine;
    receiver.window.scale = theirs;
}

/// Whether both endpoints agree on what the tap did not see: `sender` acknowledges bytes that it had allowed, or that were seen but
/// not believed. Then not the segment is wrong but the capture has a hole, reported or not.
pub(crate) fn is_corroborated(sender: &Half, receiver: &Half, segment: &Segment, verdict: Verdict) -> bool {
    let theirs = &receiver.window;
    let allowed = !segment.ack.is_after(theirs.max_end);
    let doubted = theirs.doubted.is_some_and(|end| !segment.ack.is_after(end));
    verdict == Verdict::AckAbove && sender.window.known() && (allowed || doubted)
}

/// Remembers the end of a segment that is not believed, if it lies ahead; says whether it does.
pub(crate) fn doubt(sender: &mut Half, segment: &Segment) -> bool {
    let end = segment.seq_end();
    let window = &mut sender.window;
    let ahead = end.is_after(window.end);
    if ahead {
        window.doubted = Some(window.doubted.map_or(end, |doubted| doubted.later(end)));
    }
    ahead
}

/// Whether a segment lies so far beyond all that its receiver allowed that it may belong to nothing. Windows that are not known, or
/// acknowledgments that the capture lost, do not explain it alone; that the stream goes on from there does.
pub(crate) fn leaps(sender: &Half, segment: &Segment, verdict: Verdict) -> bool {
    let window = &sender.window;
    let near = !segment.seq.is_after(window.end.plus(MAX_ACK_LAG));
    verdict == Verdict::SeqAbove && !near && window.doubted != Some(segment.seq)
}

/// Whether an acknowledgment lies so far beyond all that its sender allowed that it may belong to nothing: unless bytes were seen there,
/// or another acknowledgment leapt to a place near it.
pub(crate) fn acknowledgment_leaps(sender: &Half, receiver: &Half, segment: &Segment, verdict: Verdict) -> bool {
    let theirs = &receiver.window;
    let near = |place: SeqNum, reach: u32| !segment.ack.is_after(place.plus(reach));
    let comes_again = || theirs.doubted.is_some_and(|doubted| near(doubted, MAX_ACK_LAG.max(sender.window.max_win)));
    verdict != Verdict::InWindow && receiver.heard && !near(theirs.max_end, MAX_ACK_LAG) && !comes_again()
}

/// Whether the stream goes on from where it was before a segment that leapt: that one was none of it.
pub(crate) fn disowns_leap(sender: &Half, segment: &Segment) -> bool {
    let window = &sender.window;
    segment.payload_len > 0 && segment.seq == window.end && window.has_leapt()
}

/// Catches up with a segment that is believed although it does not fit, after a start in mid-stream or a loss of the capture. Its
/// acknowledgment counts only if it `acks`; else it is remembered.
pub(crate) fn resynchronise(sender: &mut Half, receiver: &mut Half, segment: &Segment, verdict: Verdict, acks: bool) {
    match verdict {
        Verdict::SeqAbove => {
            sender.window.end = segment.seq_end();
            sender.window.max_end = segment.seq_end().plus(receiver.window.max_win);
        }
        Verdict::AckAbove if acks => {
            receiver.window.end = segment.ack;
            receiver.window.doubted = None;
        }
        Verdict::AckAbove => receiver.window.doubted = Some(segment.ack),
        Verdict::SeqBelow if was_carried_away(sender, receiver, segment) => {
            let end = segment.seq_end();
            sender.window.end = end;
            sender.window.max_end = end.plus(receiver.window.max_win);
            // The peer has acknowledged no more than what came before.
            receiver.last_ack =
                receiver.last_ack.map(|acked| if acked.is_after(segment.seq) { segment.seq } else { acked });
        }
        Verdict::InWindow | Verdict::SeqBelow | Verdict::AckBelow => {}
    }
}

/// Whether a segment below the window shows that the window is wrong: it goes on where its sender's stream was last seen, from which
/// acknowledgments that nobody sent have carried the window away; or it brings what its receiver waits for and nobody has seen, so far below
/// that no window can have allowed what lies between.
fn was_carried_away(sender: &Half, receiver: &Half, segment: &Segment) -> bool {
    let reach = reach(sender, receiver);
    let is_awaited = receiver.last_ack.is_some_and(|acked| {
        let begins_in_window =
            !segment.seq.is_before(acked) && !segment.seq.is_after(acked.plus(receiver.window.max_win));
        begins_in_window && sender.window.allowed().is_after(acked.plus(reach)) && sender.is_unseen(segment)
    });
    is_awaited || sender.position(segment.seq) == sender.seen.high()
}

/// The largest window that `receiver` can have advertised, bytes: by how much its field is to be scaled is known where both SYNs were seen.
fn reach(sender: &Half, receiver: &Half) -> u32 {
    let largest = receiver.window.max_win;
    if sender.syn_seen && receiver.syn_seen { largest } else { largest.saturating_mul(1 << MAX_SCALE).min(MAX_WINDOW) }
}
