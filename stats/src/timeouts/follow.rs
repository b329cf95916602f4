//! Connections that follow one another between the same endpoints.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use recorder::{Campaign, Table};

use crate::ReportError;
use crate::cell::Column;
use crate::input::{Skipped, each_batch};

/// Connections held at a time: 24 bytes each.
const HELD: u64 = 16 << 20;

const COLUMNS: [&str; 7] = ["final", "ts", "last_ts", "orig_h", "orig_p", "resp_h", "resp_p"];

/// One connection: a hash of its endpoints whatever their roles, its first packet, its last. Among a hundred million pairs of endpoints two
/// share a hash with a chance of 1 in 3,700.
type Flow = (u64, i64, i64);

/// How many of the campaign's `connections` begin so soon after the last packet of the one before them between the same endpoints, for each
/// timeout (ns). What cannot be read was told of by the pass before.
///
/// # Errors
/// [`ReportError`] for a campaign of a make that cannot be taken apart.
pub fn merged(campaign: &Campaign, timeouts: &[i64], connections: u64) -> Result<Vec<u64>, ReportError> {
    let parts = connections.div_ceil(HELD).max(1);
    let mut merged = vec![0; timeouts.len()];
    for part in 0..parts {
        let mut flows = Vec::new();
        each_batch(campaign, Table::Connections, &COLUMNS, &mut Skipped::default(), &mut |batch| {
            let column = |name| Column::require(batch, Table::Connections, name);
            let (is_final, first, last) = (column("final")?, column("ts")?, column("last_ts")?);
            let orig = (column("orig_h")?, column("orig_p")?);
            let resp = (column("resp_h")?, column("resp_p")?);
            for row in (0..batch.num_rows()).filter(|&row| is_final.cell(row).is_true()) {
                let end = |(address, port): &(Column<'_>, Column<'_>)| -> u64 {
                    let mut hasher = DefaultHasher::new();
                    (address.cell(row).text(), port.cell(row).unsigned()).hash(&mut hasher);
                    hasher.finish()
                };
                let key = pair(end(&orig), end(&resp));
                let (Some(first), Some(last)) = (first.cell(row).instant(), last.cell(row).instant()) else { continue };
                if key % parts == part {
                    flows.push((key, first, last));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for (sum, count) in merged.iter_mut().zip(follow(&mut flows, timeouts)) {
            *sum += count;
        }
    }
    Ok(merged)
}

/// The same for either order of the two ends.
fn pair(a: u64, b: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (a.min(b), a.max(b)).hash(&mut hasher);
    hasher.finish()
}

fn follow(flows: &mut [Flow], timeouts: &[i64]) -> Vec<u64> {
    flows.sort_unstable();
    let mut merged = vec![0; timeouts.len()];
    for same in flows.chunk_by(|a, b| a.0 == b.0) {
        let mut latest = i64::MIN;
        for (at, &(_, first, last)) in same.iter().enumerate() {
            for (count, timeout) in merged.iter_mut().zip(timeouts) {
                *count += u64::from(at > 0 && first.saturating_sub(latest) <= *timeout);
            }
            latest = latest.max(last);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_begins_within_the_timeout_of_the_last_packet_before_it_is_merged() {
        let mut flows = vec![(1, 50, 60), (1, 0, 40), (2, 0, 10), (1, 100, 110), (1, 55, 56), (2, 11, 12)];
        assert_eq!(follow(&mut flows, &[9, 10, 39, 40, 1000]), [2, 3, 3, 4, 4]);
        assert!(follow(&mut [], &[]).is_empty());
    }

    #[test]
    fn a_pair_of_ends_is_the_same_in_either_order() {
        assert_eq!(pair(3, 9), pair(9, 3));
        assert_ne!(pair(3, 9), pair(3, 8));
    }
}
