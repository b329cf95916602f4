//! The name of a connection.

use wire::{End, FlowKey, Observation};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The `uid` of the connection that a packet opens: XXH3 of the flow key, the first timestamp and the first sequence number, seeded
/// with the campaign's salt. So the same capture names its connections alike whenever it is tracked. The sequence number tells apart what
/// a coarse clock does not, and the source's clock what a file tells that holds the same packets twice.
pub(super) fn of(observation: &Observation, salt: u64) -> u64 {
    let segment = &observation.segment;
    let mut bytes = [0; KEY + 20];
    let (key, rest) = bytes.split_at_mut(KEY);
    key.copy_from_slice(&key_bytes(&segment.key));
    rest[..8].copy_from_slice(&observation.ts.0.to_be_bytes());
    rest[8..16].copy_from_slice(&observation.clock.0.to_be_bytes());
    rest[16..].copy_from_slice(&segment.seq.0.to_be_bytes());
    xxh3_64_with_seed(&bytes, salt)
}

/// Bytes of an endpoint, and of a flow key.
const ENDPOINT: usize = 18;
const KEY: usize = 2 * ENDPOINT + 1;

/// A flow key as bytes: both ends, then the IP version.
pub(super) fn key_bytes(key: &FlowKey) -> [u8; KEY] {
    let mut bytes = [0; KEY];
    for (place, end) in bytes.chunks_exact_mut(ENDPOINT).zip([End::Low, End::High]) {
        let endpoint = key.endpoint(end);
        place[..16].copy_from_slice(&endpoint.addr);
        place[16..].copy_from_slice(&endpoint.port.to_be_bytes());
    }
    bytes[KEY - 1] = key.family() as u8;
    bytes
}
