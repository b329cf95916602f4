//! What a campaign lost, in plain words.

use recorder::{Dropped, Manifest, Table};

use super::Connections;
use crate::standing::Standing;
use crate::text::{bytes, count, share};

/// A sentence for each kind of loss; none when nothing was lost. `unreadable` parts of the campaign could not be read now.
pub fn sentences(manifest: &Manifest, standing: &Standing, connections: &Connections, unreadable: u64) -> Vec<String> {
    let mut sentences = Vec::new();
    sentences.extend(standing.sentence());
    sentences.extend(interruptions(manifest));
    sentences.extend(kept(manifest));
    sentences.extend(dropped(manifest, connections));
    sentences.extend(deleted(manifest));
    for table in Table::ALL {
        let lost = manifest.lost_rows(table);
        if lost > 0 {
            sentences.push(format!("The recorder lost {} of the table {table}.", plural(lost, "row")));
        }
    }
    let losses = &manifest.losses;
    if losses.torn_bytes > 0 {
        sentences.push(format!("A crash tore {} off the end of the journal.", bytes(losses.torn_bytes)));
    }
    if losses.damaged_bytes > 0 {
        sentences
            .push(format!("The disk damaged {} of the journal before they were sealed.", bytes(losses.damaged_bytes)));
    }
    sentences.extend(losses.reasons.iter().map(|reason| format!("Recorded as lost: {reason}")));
    if unreadable > 0 {
        let parts = plural(unreadable, "part");
        sentences.push(format!("{parts} of the campaign could not be read now; conntrack-report verify says which."));
    }
    sentences
}

/// Of a campaign whose tap was told to stop and to go on later, the connections that have no row yet.
fn kept(manifest: &Manifest) -> Option<String> {
    let kept = manifest.carried.map_or(0, |kept| kept.connections);
    (kept > 0).then(|| {
        format!(
            "{} that had not ended are kept for the next run, and in no figure yet; conntrack-tap recover ends them instead.",
            plural(kept, "connection")
        )
    })
}

/// Of a campaign that was continued, how often that was after an interruption.
fn interruptions(manifest: &Manifest) -> Option<String> {
    match manifest.interruptions() {
        (interrupted @ 1.., runs @ 2..) => Some(format!(
            "{interrupted} of its {runs} runs were interrupted: events of kind lost say from when to when."
        )),
        _ => None,
    }
}

/// Of a campaign that made room.
fn deleted(manifest: &Manifest) -> Option<String> {
    let deleted = &manifest.deleted;
    (deleted.segments > 0).then(|| {
        format!(
            "{} ({}) were deleted to make room: connections, traffic and rates are of what is left; the frames above are all.",
            plural(deleted.segments, "segment"),
            bytes(deleted.bytes)
        )
    })
}

fn dropped(manifest: &Manifest, connections: &Connections) -> Option<String> {
    let ledger = manifest.ledger();
    let Dropped { device, kernel, poller, queue } = ledger.dropped;
    let total = ledger.dropped.total();
    if total == 0 {
        return None;
    }
    let places =
        [(device, "by the device"), (kernel, "in the kernel's ring"), (poller, "by the poller"), (queue, "in a queue")];
    let places =
        places.iter().filter(|(frames, _)| *frames > 0).map(|(frames, place)| format!("{} {place}", count(*frames)));
    Some(format!(
        "The capture lost {} of {} ({}): {}. {} touched by it (lost_capture): what they sent is a lower bound.",
        count(total),
        plural(ledger.offered, "frame"),
        share(total, ledger.offered),
        places.collect::<Vec<_>>().join(", "),
        match connections.lost_capture {
            1 => "1 connection may have been".to_owned(),
            number => format!("{} connections may have been", count(number)),
        },
    ))
}

fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}
