//! ICMP errors about a connection.

use wire::{Direction, Observation, SeqNum};

use super::{Detail, EventConfig, EventLevel, log};
use crate::connection::Connection;
use crate::sink::Sink;

/// Takes in an ICMP error about a segment of the connection. It is no packet of it: it keeps no timer from expiring, and closes nothing.
pub(crate) fn note_icmp(
    connection: &mut Connection,
    observation: &Observation,
    config: &EventConfig,
    sink: &mut impl Sink,
) {
    let segment = &observation.segment;
    let Some(code) = segment.quoted_by else { return };
    let in_flight = is_in_flight(connection, connection.direction_of(segment.sender), segment.seq);
    connection.log.get_or_insert_default().count_icmp(code);
    if config.level != EventLevel::Off {
        let detail = Detail::Icmp { family: segment.key.family(), code, in_flight };
        log::add(connection, segment.sender, observation.ts, detail, config.per_connection, sink);
    }
}

/// Whether a segment of `from` that starts at `seq` can be under way: sent, and not acknowledged (RFC 5927, 4.1: SND.UNA =< SEG.SEQ <
/// SND.NXT). SND.NXT itself counts too, because that is where a segment without data stands.
fn is_in_flight(connection: &Connection, from: Direction, seq: SeqNum) -> bool {
    let (sender, receiver) = connection.pair(from);
    let unacknowledged = receiver.last_ack.unwrap_or(sender.base);
    sender.heard && !seq.is_before(unacknowledged) && !seq.is_after(sender.window.end)
}
