//! Other addresses in everything that a shard hands over, before any of it comes near a disk.
//!
//! Addresses are replaced by Crypto-PAn ([`prefix`]): networks stay networks, and hosts stay apart. What else names a host goes too: a
//! `uid` derives from the key (otherwise who guesses an address could confirm it), and recorded headers lose the addresses
//! in their options. Ports, sizes and times stay: who knows when a host talked to whom can find it again by that. No payload, no name and no
//! link-layer address is ever recorded.

mod header;
pub mod key;
pub mod prefix;
pub mod states;

use conntrack::{Event, Header, Record, Sink};
use wire::{Endpoint, Family, Interval};

use prefix::PrefixCipher;

/// Bytes of headers that are kept for the next header.
const HEADER_BYTES: usize = 256;

/// One shard's way to other addresses.
pub struct Anonymiser {
    cipher: PrefixCipher,
    /// Room for a header.
    bytes: Vec<u8>,
}

impl Anonymiser {
    /// One that maps by `cipher`.
    #[must_use]
    pub fn new(cipher: PrefixCipher) -> Self {
        Self { cipher, bytes: Vec::with_capacity(HEADER_BYTES) }
    }

    /// Replaces the addresses of a row.
    pub(crate) fn record(&self, record: &mut Record) {
        for end in &mut record.endpoints {
            *end = match record.family {
                Family::V4 => {
                    let [.., a, b, c, d] = end.addr;
                    Endpoint::v4(self.cipher.map([a, b, c, d]), end.port)
                }
                Family::V6 => Endpoint::v6(self.cipher.map(end.addr), end.port),
            };
        }
    }
}

/// Passes rows on, with other addresses where that is wanted.
pub struct Masked<'a, S> {
    /// Where they go.
    pub sink: &'a mut S,
    /// What replaces addresses; nothing where they stay.
    pub mask: Option<&'a mut Anonymiser>,
}

impl<S: Sink> Sink for Masked<'_, S> {
    fn record(&mut self, mut record: Record) {
        if let Some(mask) = &self.mask {
            mask.record(&mut record);
        }
        self.sink.record(record);
    }

    fn header(&mut self, header: Header<'_>) {
        let Some(Anonymiser { cipher, bytes }) = self.mask.as_deref_mut() else { return self.sink.header(header) };
        bytes.clear();
        bytes.extend_from_slice(header.bytes);
        header::replace(bytes, cipher);
        self.sink.header(Header { bytes, ..header });
    }

    fn event(&mut self, event: Event) {
        // No event of a connection names an address.
        self.sink.event(event);
    }

    fn interval(&mut self, interval: Interval) {
        self.sink.interval(interval);
    }
}
