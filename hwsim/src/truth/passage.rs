//! The passing of a segment in the truth's terms, and its row in the file of segments.

use wire::{Direction, Nanos, SeqNum};

use super::text::{address, number, seconds};
use crate::frame::Addressing;
use crate::link::{Copier, Fate};
use crate::speaker::{Cause, Segment};

/// The header line of the file of segments.
pub const SEGMENT_COLUMNS: &str =
    "ts,orig_h,orig_p,resp_h,resp_p,dir,seq,len,flags,cause,unnecessary,reordered,copied_by";

/// A segment that has passed the tap.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// When, as the capture file says.
    pub ts: Nanos,
    /// Whose connection it belongs to, as the truth tells it.
    pub addressing: &'a Addressing,
    /// Which of the two sent it.
    pub from: Direction,
    /// Its sequence number.
    pub seq: SeqNum,
    /// What it is.
    pub segment: &'a Segment,
    /// What befell it on the way.
    pub fate: Fate,
    /// The receiver has all of it already, or is about to, and yet it was sent again.
    pub unnecessary: bool,
}

impl Passage<'_> {
    /// Whether it was sent again, copied or overtaken: only those stand in the file of segments.
    #[must_use]
    pub fn is_remarkable(&self) -> bool {
        self.segment.cause != Cause::New || self.fate != Fate::default()
    }

    /// Appends the row of [`SEGMENT_COLUMNS`].
    pub fn write(&self, row: &mut Vec<u8>) {
        seconds(row, Some(self.ts));
        for end in &self.addressing.ends {
            row.push(b',');
            address(row, end.ip(self.addressing.family));
            row.push(b',');
            number(row, u64::from(end.port));
        }
        row.extend_from_slice(if self.from == Direction::Orig { b",orig," } else { b",resp," });
        number(row, u64::from(self.seq.0));
        row.push(b',');
        number(row, u64::from(self.segment.len));
        let copied_by = match self.fate.copied_by {
            None => "",
            Some(Copier::Network) => "network",
            Some(Copier::Capture) => "capture",
        };
        let flags = self.segment.flags.to_string();
        let truth_values = [self.unnecessary, self.fate.reordered].map(|value| if value { "true" } else { "false" });
        for text in [&flags, self.segment.cause.as_str(), truth_values[0], truth_values[1], copied_by] {
            row.push(b',');
            row.extend_from_slice(text.as_bytes());
        }
        row.push(b'\n');
    }
}
