//! Events of the appliance itself.

use conntrack::{Detail, Event, Sink};
use recorder::{Encoder, Recorder};
use wire::Nanos;

/// Rows of these events come from no shard and no poller: a number that no producer has.
const NOBODY: u16 = u16::MAX;

/// Writes an event that belongs to no connection.
pub fn write(recorder: &mut Recorder, ts: Nanos, detail: Detail) {
    let mut encoder = Encoder::new(NOBODY);
    encoder.event(Event { uid: None, ts, dir: None, detail });
    encoder.flush(Nanos::MIN);
    while let Some(block) = encoder.take() {
        // Lost means that the disk failed, which the recorder says itself.
        let _ = recorder.append(&block);
    }
}
