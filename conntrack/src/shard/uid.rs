//! The name of a connection.

use wire::{End, Observation};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The `uid` of the connection that a packet opens: XXH3 of the flow key, the first timestamp and the first sequence number, seeded
/// with the campaign's salt. So the same capture names its connections alike whenever it is tracked. The sequence number tells apart what
/// a coarse clock does not, and the source's clock what a file tells that holds the same packets twice.
pub(super) fn of(observation: &Observation, salt: u64) -> u64 {
    let segment = &observation.segment;
    let mut bytes = [0; 57];
    let mut rest = &mut bytes[..];
    let mut put = |field: &[u8]| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(field.len());
        head.copy_from_slice(field);
        rest = tail;
    };
    for end in [End::Low, End::High] {
        let endpoint = segment.key.endpoint(end);
        put(&endpoint.addr);
        put(&endpoint.port.to_be_bytes());
    }
    put(&[segment.key.family() as u8]);
    put(&observation.ts.0.to_be_bytes());
    put(&observation.clock.0.to_be_bytes());
    put(&segment.seq.0.to_be_bytes());
    xxh3_64_with_seed(&bytes, salt)
}
