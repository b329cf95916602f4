//! The class of an abnormal segment, from the evidence. `docs/classes.md` says the same for users.

use super::recent::{Identification, Twin};
use crate::measures::SegmentClass;

/// A copy that the capture made comes within this time, ns: mirror ports queue for microseconds.
pub(super) const COPY_WITHIN: i64 = 1_000_000;

/// Where no round trip was measured, what fills a hole sooner than this was overtaken, ns: Wireshark's threshold.
const OVERTAKEN_WITHIN: i64 = 3_000_000;

/// What is known of an abnormal segment when it passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// An earlier sighting of the same bytes among the latest segments, and how long ago it was, ns.
    pub(super) twin: Option<(Twin, i64)>,
    /// It carries timestamps.
    pub(super) clocked: bool,
    /// It takes no sequence space, and may say the same as the one before for a reason of its own: data is outstanding that it may ask for
    /// once more, or it is a RST and answers another segment.
    pub(super) repeats: bool,
    /// It looks like a keep-alive, and all was acknowledged.
    pub(super) keep_alive: bool,
    /// It looks like a zero-window probe.
    pub(super) probe: bool,
    /// Its timestamp is older than the last that its receiver accepted.
    pub(super) outdated: bool,
    /// It has payload below what was expected. All that follows is meaningful only then.
    pub(super) below_next: bool,
    /// Some of it was never seen.
    pub(super) fills_hole: bool,
    /// Its timestamp says that it was sent before the segment that overtook it.
    pub(super) sent_before_successor: bool,
    /// Duplicate acknowledgments or SACK blocks ask for its first byte.
    pub(super) asked_for: bool,
    /// Since it was last seen or, where it fills a hole, since the hole appeared, ns; at least.
    pub(super) waited: i64,
    /// Since its receiver last acknowledged something new, ns: a sender's timer starts again by that (RFC 6298, 5.3).
    pub(super) stalled: i64,
    /// All of it was acknowledged.
    pub(super) acknowledged: bool,
    /// The class of the recovery or the batch that it belongs to.
    pub(super) batch: Option<SegmentClass>,
    /// Round trips, ns.
    pub(super) times: Times,
}

/// What is known of the connection's round trips, ns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Smallest, from the tap to the receiver and back.
    pub(super) half_min: Option<i64>,
    /// Smallest, of both halves together.
    pub(super) whole_min: Option<i64>,
    /// Mean, of both halves together.
    pub(super) mean: Option<i64>,
    /// Estimate of the retransmission timeout.
    pub(super) timeout: i64,
}

/// The class of a segment; `None` if there is nothing abnormal about it. The first rule that holds decides.
pub(super) fn judge(evidence: &Evidence) -> Option<SegmentClass> {
    let rules = [
        (is_capture_duplicate(evidence), SegmentClass::CaptureDuplicate),
        (evidence.keep_alive, SegmentClass::KeepAlive),
        (evidence.probe, SegmentClass::ZeroWindowProbe),
        (evidence.outdated, SegmentClass::OldDuplicate),
        (is_network_duplicate(evidence), SegmentClass::NetworkDuplicate),
    ];
    if let Some(&(_, class)) = rules.iter().find(|(holds, _)| *holds) {
        return Some(class);
    }
    evidence.below_next.then(|| judge_late(evidence))
}

/// The class of a segment that is no copy and comes late: sent again, or overtaken.
fn judge_late(evidence: &Evidence) -> SegmentClass {
    let overtaken_within = evidence.times.whole_min.unwrap_or(OVERTAKEN_WITHIN);
    let overtaken = evidence.fills_hole && evidence.waited < overtaken_within;
    let timed_out = evidence.waited.min(evidence.stalled) >= evidence.times.timeout;
    let rules = [
        (evidence.sent_before_successor, SegmentClass::Reordered),
        (evidence.asked_for && !timed_out, SegmentClass::FastRetransmission),
        (timed_out, SegmentClass::TimeoutRetransmission),
        (evidence.acknowledged && !evidence.fills_hole, SegmentClass::UnnecessaryRetransmission),
        (overtaken, SegmentClass::Reordered),
    ];
    let own = rules.iter().find(|(holds, _)| *holds).map(|&(_, class)| class);
    let batch = evidence.batch.filter(|&class| class != SegmentClass::Reordered || evidence.fills_hole);
    own.or(batch).unwrap_or(SegmentClass::Unknown)
}

/// The same in every field, so soon that no TCP can have sent it twice. Without an identification, no acknowledgment alone
/// is taken for a copy while data is outstanding, since duplicate acknowledgments look the same, no RST that can answer another segment than
/// the one before did, and data only sooner than any answer can have come.
fn is_capture_duplicate(evidence: &Evidence) -> bool {
    let Some((twin, ago)) = evidence.twin.filter(|(twin, _)| twin.identical) else { return false };
    let half_min = evidence.times.half_min;
    match twin.identification {
        Identification::Same => ago <= half_min.unwrap_or(0).max(COPY_WITHIN),
        Identification::Silent => !evidence.repeats && ago <= half_min.unwrap_or(COPY_WITHIN),
        Identification::Other => false,
    }
}

/// Data with the identification of an earlier sighting, sooner than a timeout, or, where there is none, with its timestamps and too soon for an answer.
fn is_network_duplicate(evidence: &Evidence) -> bool {
    let Some((twin, ago)) = evidence.twin.filter(|_| evidence.below_next) else { return false };
    match twin.identification {
        // Identifications come around, and some senders have only one.
        Identification::Same => ago < evidence.times.timeout,
        Identification::Silent => {
            twin.identical && evidence.clocked && ago < evidence.times.whole_min.unwrap_or(OVERTAKEN_WITHIN)
        }
        Identification::Other => false,
    }
}

#[cfg(test)]
mod tests {
    use wire::Nanos;

    use super::*;

    const MS: i64 = 1_000_000;

    /// A segment of a connection with a round trip of 40 ms, seen 60 ms ago and not acknowledged.
    const LATE: Evidence = Evidence {
        twin: None,
        clocked: true,
        repeats: false,
        keep_alive: false,
        probe: false,
        outdated: false,
        below_next: true,
        fills_hole: false,
        sent_before_successor: false,
        asked_for: false,
        waited: 60 * MS,
        stalled: i64::MAX,
        acknowledged: false,
        batch: None,
        times: Times { half_min: Some(30 * MS), whole_min: Some(40 * MS), mean: Some(45 * MS), timeout: 150 * MS },
    };

    fn copy(ago: i64, identification: Identification) -> Evidence {
        let twin = Twin { ts: Nanos(0), identical: true, identification };
        Evidence { twin: Some((twin, ago)), waited: ago, ..LATE }
    }

    #[test]
    fn each_rule_yields_to_those_before_it() {
        use SegmentClass::*;
        let mut evidence = copy(20 * MS, Identification::Same);
        evidence =
            Evidence { keep_alive: true, probe: true, outdated: true, asked_for: true, acknowledged: true, ..evidence };
        assert_eq!(judge(&evidence), Some(CaptureDuplicate));
        evidence.twin = copy(31 * MS, Identification::Same).twin;
        assert_eq!(judge(&evidence), Some(KeepAlive));
        evidence.keep_alive = false;
        assert_eq!(judge(&evidence), Some(ZeroWindowProbe));
        evidence.probe = false;
        assert_eq!(judge(&evidence), Some(OldDuplicate));
        evidence.outdated = false;
        assert_eq!(judge(&evidence), Some(NetworkDuplicate));
        evidence.twin = None;
        assert_eq!(judge(&evidence), Some(FastRetransmission));
        evidence.waited = 150 * MS;
        assert_eq!(judge(&evidence), Some(TimeoutRetransmission));
        evidence.stalled = 149 * MS;
        assert_eq!(judge(&evidence), Some(FastRetransmission));
        evidence = Evidence { waited: 60 * MS, asked_for: false, ..evidence };
        assert_eq!(judge(&evidence), Some(UnnecessaryRetransmission));
        evidence = Evidence { acknowledged: false, fills_hole: true, waited: 39 * MS, ..evidence };
        assert_eq!(judge(&evidence), Some(Reordered));
        evidence.waited = 40 * MS;
        assert_eq!(judge(&evidence), Some(Unknown));
        evidence.batch = Some(FastRetransmission);
        assert_eq!(judge(&evidence), Some(FastRetransmission));
        evidence.below_next = false;
        assert_eq!(judge(&evidence), None);
    }

    #[test]
    fn a_duplicate_acknowledgment_without_identification_is_not_a_copy() {
        let silent = copy(0, Identification::Silent);
        assert_eq!(judge(&silent), Some(SegmentClass::CaptureDuplicate));
        assert_eq!(judge(&Evidence { repeats: true, below_next: false, ..silent }), None);
    }

    #[test]
    fn another_identification_is_another_transmission() {
        assert_eq!(judge(&copy(0, Identification::Other)), Some(SegmentClass::Unknown));
    }

    #[test]
    fn what_was_sent_before_its_successor_was_overtaken_however_many_duplicate_acknowledgments_came() {
        let late = Evidence { fills_hole: true, sent_before_successor: true, asked_for: true, ..LATE };
        assert_eq!(judge(&late), Some(SegmentClass::Reordered));
    }
}
