//! The devices themselves.

use super::{Clock, Hardware, Loss, Ports, Ring, Rss};

/// Every device; the first is the default.
pub const DEVICES: &[Hardware] = &[EXACT, NIC, NIC_USUAL_KEY, SMALL_RING, TWO_TAPS, CARD_1998, CARD_1998_CELLS];

/// The device of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Hardware> {
    DEVICES.iter().find(|device| device.name == name)
}

pub(crate) const EXACT: Hardware = Hardware {
    name: "exact",
    about: "one queue that misses nothing, and a clock that is right to the nanosecond",
    ports: Ports::One(Clock::EXACT),
    queues: 1,
    rss: Rss::Symmetric,
    ring: None,
    loss: Loss { share: 0.0, is_reported: true },
    snaplen: 262_144,
};

const NIC: Hardware = Hardware {
    name: "nic",
    about: "a card of four queues with a symmetric key: both directions of a connection come to the same queue",
    queues: 4,
    ..EXACT
};

const NIC_USUAL_KEY: Hardware = Hardware {
    name: "nic-usual-key",
    about: "the same card with the key that drivers bring: the directions of most connections come to different queues",
    rss: Rss::Usual,
    ..NIC
};

const SMALL_RING: Hardware = Hardware {
    name: "small-ring",
    about: "512 slots, and a reader who takes a microsecond a frame: bursts of more than a million frames a second overflow it",
    ring: Some(Ring { slots: 512, nanos_a_frame: 1000 }),
    ..EXACT
};

/// A quarter of a millisecond apart, and drifting by 2 µs a second: two free-running cards whose clocks were set by NTP.
pub(crate) const TWO_TAPS: Hardware = Hardware {
    name: "two-taps",
    about: "an optical splitter: each direction comes in at a port of its own, and the second clock is 250 µs ahead and gains 2 µs a second",
    ports: Ports::EachDirection([Clock::EXACT, Clock { offset: 250_000, drift: 2_000, ..Clock::EXACT }]),
    ..EXACT
};

/// Cano et al., 1998: the card loses nothing up to 300 Mbit/s, twice what its fibre carries, so it has no ring to overflow. It stamps
/// IP datagrams to 14 µs.
const CARD_1998: Hardware = Hardware {
    name: "card-1998",
    about: "a card on the fibre of an ATM link in 1998: loses nothing, and stamps datagrams in steps of 14 µs",
    ports: Ports::One(Clock { tick: 14_000, ..Clock::EXACT }),
    ..EXACT
};

/// The same card when it captures cells: it stamps them to 12 µs, and a datagram has the instant of its first cell.
const CARD_1998_CELLS: Hardware = Hardware {
    name: "card-1998-cells",
    about: "the same card when it captures cells: a datagram has the instant of its first cell, in steps of 12 µs",
    ports: Ports::One(Clock { tick: 12_000, ..Clock::EXACT }),
    ..EXACT
};
