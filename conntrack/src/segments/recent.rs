//! The latest segments of an endpoint, to recognise one that comes a second time.

use serde::{Deserialize, Serialize};
use wire::{Nanos, Segment, SeqNum};

/// Segments kept. Copies of a segment come close behind it, but a mirror port may hold back a whole burst.
const ROOM: usize = 16;

/// Room at first, which doubles: half of all endpoints never send more.
const FEWEST: usize = 4;

/// A segment, as far as two of them must be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    seq: SeqNum,
    /// Of everything else that TCP wrote into the header.
    digest: u32,
    /// Payload; beyond 65,535 bytes they count as equal.
    len: u16,
    ip_id: u16,
}

/// The latest segments, and when each of them came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recent {
    ring: Vec<(Sent, Nanos)>,
    /// Where the next one goes.
    next: u8,
}

/// Whether the identification of IP tells a copy from a retransmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identification {
    /// The same as that of an earlier sighting.
    Same,
    /// Another than that of the earlier sightings.
    Other,
    /// There is none, or the sender uses the same for different segments.
    Silent,
}

/// An earlier sighting of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Twin {
    /// When.
    pub(crate) ts: Nanos,
    /// Everything in its TCP header was the same, too.
    pub(crate) identical: bool,
    /// What IP's identification says.
    pub(crate) identification: Identification,
}

impl Sent {
    fn of(segment: &Segment) -> Self {
        Self {
            seq: segment.seq,
            digest: digest(segment),
            len: u16::try_from(segment.payload_len).unwrap_or(u16::MAX),
            ip_id: segment.ip_id,
        }
    }

    fn same_bytes(&self, other: &Self) -> bool {
        self.seq == other.seq && self.len == other.len
    }

    fn same_header(&self, other: &Self) -> bool {
        self.same_bytes(other) && self.digest == other.digest
    }

    fn overlaps(&self, other: &Self) -> bool {
        let [mine, theirs] = [self, other].map(|sent| sent.seq.plus(u32::from(sent.len)));
        self.len > 0 && self.seq.is_before(theirs) && other.seq.is_before(mine)
    }
}

/// A hash of what TCP wrote beside the sequence number: copies have the same.
fn digest(segment: &Segment) -> u32 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let [first, second] = segment.sack.map(|block| u64::from(block.left.0) << 32 | u64::from(block.right.0));
    let numbers = u64::from(segment.ack.0) << 32 | u64::from(segment.tsecr);
    let bits = u64::from(segment.flags.0) << 48 | u64::from(segment.window) << 32 | u64::from(segment.urgent) << 16;
    let options = u64::from(segment.options.0) << 40 | u64::from(segment.sack_count) << 32 | u64::from(segment.tsval);
    let numbers = numbers.wrapping_mul(ODD).rotate_left(23) ^ options;
    let mixed = numbers.wrapping_mul(ODD).rotate_left(23) ^ bits;
    let mixed = mixed.wrapping_mul(ODD).rotate_left(23) ^ first;
    ((mixed.wrapping_mul(ODD).rotate_left(23) ^ second).wrapping_mul(ODD) >> 32) as u32
}

impl Recent {
    pub(crate) const fn new() -> Self {
        Self { ring: Vec::new(), next: 0 }
    }

    /// Whether the ring is one.
    pub(crate) fn is_sound(&self) -> bool {
        self.ring.len() <= ROOM && usize::from(self.next) < ROOM
    }

    /// Remembers a segment.
    pub(crate) fn push(&mut self, segment: &Segment, ts: Nanos) {
        let sighting = (Sent::of(segment), ts);
        match self.ring.get_mut(usize::from(self.next)) {
            Some(oldest) => *oldest = sighting,
            None => self.append(sighting),
        }
        self.next = (self.next + 1) % ROOM as u8;
    }

    /// Remembers one of the first segments.
    fn append(&mut self, sighting: (Sent, Nanos)) {
        if self.ring.len() == self.ring.capacity() {
            self.ring.reserve_exact(self.ring.len().max(FEWEST));
        }
        self.ring.push(sighting);
    }

    fn iter(&self) -> impl Iterator<Item = (&Sent, Nanos)> {
        self.ring.iter().map(|(sent, ts)| (sent, *ts))
    }

    /// Reads where the next segment goes, so that it is in the cache then.
    pub(crate) fn touch(&self) -> u64 {
        self.ring.get(usize::from(self.next)).map_or(0, |(sent, _)| u64::from(sent.digest))
    }

    /// The latest segment.
    pub(crate) fn latest(&self) -> Option<Nanos> {
        let at = (usize::from(self.next) + ROOM - 1) % ROOM;
        self.ring.get(at).map(|(_, ts)| *ts)
    }

    /// The latest sighting of the same bytes, those with the same header or identification first.
    pub(crate) fn twin(&self, segment: &Segment) -> Option<Twin> {
        let new = Sent::of(segment);
        // A copy is the same throughout: an identification that another packet has, too, tells nothing.
        let shared = self.iter().any(|(sent, _)| sent.ip_id == new.ip_id && !sent.same_header(&new));
        let same_id = |sent: &Sent| new.ip_id != 0 && !shared && sent.ip_id == new.ip_id;
        let twins = self.iter().filter(|(sent, _)| sent.same_bytes(&new));
        let (twin, ts) = twins.max_by_key(|(sent, ts)| (sent.same_header(&new), same_id(sent), *ts))?;
        let identification = match (new.ip_id == 0 || twin.ip_id == 0 || shared, same_id(twin)) {
            (true, _) => Identification::Silent,
            (false, true) => Identification::Same,
            (false, false) => Identification::Other,
        };
        Some(Twin { ts, identical: twin.same_header(&new), identification })
    }

    /// The latest sighting of any byte of a segment.
    pub(crate) fn last_sighting(&self, segment: &Segment) -> Option<Nanos> {
        let new = Sent::of(segment);
        self.iter().filter(|(sent, _)| sent.overlaps(&new)).map(|(_, ts)| ts).max()
    }
}
