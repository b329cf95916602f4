//! TCP options (IANA, TCP Option Kind Numbers).

use crate::{OptionSet, SackBlock, SeqNum};

const END: u8 = 0;
const NOP: u8 = 1;

/// How the experiment before RFC 7413 marked TCP Fast Open in an option of kind 254 (RFC 6994).
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

/// What an option list said: the fields of a [`crate::Segment`] that come from it.
#[derive(Default)]
pub(super) struct Options {
    pub set: OptionSet,
    pub mss: u16,
    pub wscale: u8,
    pub tsval: u32,
    pub tsecr: u32,
    pub sack: [SackBlock; 2],
    pub sack_count: u8,
}

/// Reads an option list; `cut` says that the capture ends before it does. A list that breaks the rules is read up to the fault
/// and flagged.
#[inline]
pub(super) fn read(list: &[u8], cut: bool) -> Options {
    match list {
        [] if !cut => Options::default(),
        // Timestamps alone, laid out as RFC 7323, appendix A recommends: nearly every segment of an open connection.
        [NOP, NOP, 8, 10, a, b, c, d, e, f, g, h] if !cut => Options {
            set: OptionSet::TIMESTAMPS,
            tsval: u32::from_be_bytes([*a, *b, *c, *d]),
            tsecr: u32::from_be_bytes([*e, *f, *g, *h]),
            ..Options::default()
        },
        _ => {
            let mut options = Options::default();
            options.walk(list, cut);
            options
        }
    }
}

impl Options {
    fn walk(&mut self, mut list: &[u8], cut: bool) {
        let beyond = if cut { OptionSet::TRUNCATED } else { OptionSet::MALFORMED };
        loop {
            match list {
                [] if cut => return self.set.insert(OptionSet::TRUNCATED),
                [] | [END, ..] => return,
                [NOP, rest @ ..] => list = rest,
                [_] => return self.set.insert(beyond),
                [_, 0 | 1, ..] => return self.set.insert(OptionSet::MALFORMED),
                [kind, len, rest @ ..] => {
                    let Some((data, rest)) = rest.split_at_checked(usize::from(*len) - 2) else {
                        return self.set.insert(beyond);
                    };
                    let what = self.one(*kind, data).unwrap_or(OptionSet::MALFORMED);
                    self.set.insert(what);
                    list = rest;
                }
            }
        }
    }

    /// Reads one option; `None` when its length is wrong for its kind.
    fn one(&mut self, kind: u8, data: &[u8]) -> Option<OptionSet> {
        let (legal, what) = match kind {
            2 => {
                self.mss = u16::from_be_bytes(data.try_into().ok()?);
                (true, OptionSet::MSS)
            }
            3 => {
                let &[shift] = data else { return None };
                self.wscale = shift;
                (true, OptionSet::WINDOW_SCALE)
            }
            4 => (data.is_empty(), OptionSet::SACK_PERMITTED),
            5 => (self.sack(data), OptionSet::SACK),
            8 => {
                let &[a, b, c, d, e, f, g, h] = data else { return None };
                self.tsval = u32::from_be_bytes([a, b, c, d]);
                self.tsecr = u32::from_be_bytes([e, f, g, h]);
                (true, OptionSet::TIMESTAMPS)
            }
            19 => (data.len() == 16, OptionSet::AUTHENTICATION),
            28 => (data.len() == 2, OptionSet::USER_TIMEOUT),
            29 => (data.len() >= 2, OptionSet::AUTHENTICATION),
            30 => (!data.is_empty(), OptionSet::MPTCP),
            34 => (data.len() <= 16, OptionSet::FAST_OPEN),
            172 | 174 => (matches!(data.len(), 0 | 3 | 6 | 9), OptionSet::ACCURATE_ECN),
            254 if data.starts_with(&FAST_OPEN_MAGIC) => (data.len() <= 18, OptionSet::FAST_OPEN),
            _ => (true, OptionSet::OTHER),
        };
        legal.then_some(what)
    }

    /// Reads the blocks of a SACK option: one to four of eight bytes.
    fn sack(&mut self, data: &[u8]) -> bool {
        let (blocks, rest) = data.as_chunks::<8>();
        if !rest.is_empty() || !(1..=4).contains(&blocks.len()) {
            return false;
        }
        for (slot, &[a, b, c, d, e, f, g, h]) in self.sack.iter_mut().zip(blocks) {
            slot.left = SeqNum(u32::from_be_bytes([a, b, c, d]));
            slot.right = SeqNum(u32::from_be_bytes([e, f, g, h]));
        }
        self.sack_count = blocks.len() as u8;
        true
    }
}
