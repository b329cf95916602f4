//! What was lost and what was cut, before any other figure.

use super::super::Data;
use super::super::words::{counted, percent, share};

/// Sentences, and whether something was lost.
pub fn losses(data: &Data) -> (Vec<String>, bool) {
    let summary = &data.summary;
    let mut sentences = summary.losses.clone();
    sentences.extend(summary.imbalance.iter().map(|equation| format!("The ledger does not balance: {equation}.")));
    let lost = !sentences.is_empty();
    if !lost {
        sentences.push("No packet, no row and no byte of the campaign.".to_owned());
    }
    if data.burstiness.late_rows > 0 {
        let rows = counted(data.burstiness.late_rows, "row");
        sentences.push(format!(
            "{rows} of the base series came hours after their time and are not in the figures of hours."
        ));
    }
    sentences.push(cut(data));
    (sentences, lost)
}

/// Who began before, or had not ended.
fn cut(data: &Data) -> String {
    let connections = &data.burstiness.connections;
    let (total, cut) = (connections.total, connections.censoring);
    let of_all = |part: u64| format!("{} ({})", counted(part, "connection"), percent(share(part, total)));
    format!(
        "Cut by the edges of the campaign: {} began before it, {} were open at its end; {} fell silent and were \
            given up, {} for want of room. \
         Lengths take this into account (Kaplan and Meier); sizes and rates are of connections that were seen whole.",
        of_all(cut.began_before),
        of_all(cut.still_open),
        crate::text::count(cut.fell_silent),
        crate::text::count(cut.evicted),
    )
}
