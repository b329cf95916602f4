//! The recorded headers of a few connections.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use recorder::{Campaign, Table};

use crate::ReportError;
use crate::cell::Column;
use crate::input::{Skipped, each_batch};

const COLUMNS: [&str; 9] = ["uid", "n", "ts", "dir", "seq", "ack", "flags", "window", "payload_len"];

/// One recorded header, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Position among the connection's headers.
    pub n: u64,
    /// When it was captured, ns since the epoch.
    pub ts: i64,
    /// Sent by the responder.
    pub by_responder: bool,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number, significant with ACK.
    pub ack: u32,
    /// Control bits.
    pub flags: u16,
    /// The window field, not scaled.
    pub window: u16,
    /// Payload on the wire, bytes.
    pub payload: u32,
}

impl Segment {
    /// FIN is set.
    #[must_use]
    pub const fn fin(&self) -> bool {
        self.flags & 1 != 0
    }

    /// SYN is set.
    #[must_use]
    pub const fn syn(&self) -> bool {
        self.flags & 2 != 0
    }

    /// RST is set.
    #[must_use]
    pub const fn rst(&self) -> bool {
        self.flags & 4 != 0
    }

    /// ACK is set.
    #[must_use]
    pub const fn has_ack(&self) -> bool {
        self.flags & 16 != 0
    }
}

/// The headers of these connections, in order of arrival. One that the capture cut before the TCP header's end is left out.
///
/// # Errors
/// [`ReportError`] for a campaign of a make that cannot be taken apart.
pub fn segments(
    campaign: &Campaign,
    uids: &[u64],
    skipped: &mut Skipped,
) -> Result<BTreeMap<u64, Vec<Segment>>, ReportError> {
    let mut found: BTreeMap<u64, Vec<Segment>> = uids.iter().map(|&uid| (uid, Vec::new())).collect();
    if uids.is_empty() {
        return Ok(found);
    }
    each_batch(campaign, Table::Headers, &COLUMNS, skipped, &mut |batch| {
        let columns = Column::all(batch)?;
        for row in 0..batch.num_rows() {
            let number = |at: usize| columns[at].cell(row).unsigned();
            let Some(segments) = number(0).and_then(|uid| found.get_mut(&uid)) else { continue };
            let (Some(n), Some(ts), Some(seq), Some(ack), Some(flags), Some(window)) =
                (number(1), columns[2].cell(row).instant(), number(4), number(5), number(6), number(7))
            else {
                continue;
            };
            segments.push(Segment {
                n,
                ts,
                by_responder: columns[3].cell(row).text() == Some("resp"),
                seq: seq as u32,
                ack: ack as u32,
                flags: flags as u16,
                window: window as u16,
                payload: number(8).unwrap_or(0) as u32,
            });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    found.values_mut().for_each(|segments| segments.sort_unstable_by_key(|segment| segment.n));
    Ok(found)
}
