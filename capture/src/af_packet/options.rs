//! What can be chosen about an `afpacket:` source.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::SpecError;
use crate::options::{parse_interface, parse_size, parse_switch, switch};

/// An interface, and how to capture from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Name of the interface.
    pub interface: String,
    /// Rings, each with a poller of its own; the kernel divides the flows among them (`PACKET_FANOUT_HASH`).
    pub queues: NonZeroU16,
    /// Bytes of each ring.
    pub ring: u32,
    /// Milliseconds after which the kernel hands over a block that is not full.
    pub timeout: u32,
    /// Whether to take frames for other hosts too.
    pub promiscuous: bool,
}

impl Options {
    /// Most queues of one source: more pollers than that no host of today can feed.
    const MOST_QUEUES: u16 = 64;
    /// Least and most bytes of a ring.
    const RING_RANGE: std::ops::RangeInclusive<u32> = (256 << 10)..=(2 << 30);
    /// Most bytes of all the rings of a source: they are locked into memory, which other programs need too.
    const MOST_RING_BYTES: u64 = 8 << 30;
    /// Longest block timeout, ms.
    const LONGEST_TIMEOUT: u32 = 1000;

    /// An interface with the defaults.
    #[must_use]
    pub fn new(interface: &str) -> Self {
        Self {
            interface: interface.to_owned(),
            queues: NonZeroU16::MIN,
            // Half a second of 1 Gbit/s: what a poller may be away for.
            ring: 64 << 20,
            // The shortest: a frame reaches its shard within the two milliseconds that a shard waits for a poller.
            timeout: 1,
            promiscuous: true,
        }
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), SpecError> {
        let bad = |option, expected| SpecError::BadValue { option, value: value.to_owned(), expected };
        match option {
            "queues" => {
                let queues = value.parse().ok().filter(|queues: &NonZeroU16| queues.get() <= Self::MOST_QUEUES);
                self.queues = queues.ok_or_else(|| bad("queues", "a number from 1 to 64"))?;
            }
            "ring" => {
                let ring = parse_size(value).filter(|ring| Self::RING_RANGE.contains(ring));
                self.ring = ring.ok_or_else(|| bad("ring", "a size from 256K to 2G, such as 64M"))?;
            }
            "timeout" => {
                let timeout = value.parse().ok().filter(|timeout| (1..=Self::LONGEST_TIMEOUT).contains(timeout));
                self.timeout = timeout.ok_or_else(|| bad("timeout", "milliseconds from 1 to 1000"))?;
            }
            "promisc" => self.promiscuous = parse_switch("promisc", value)?,
            _ => {
                let existing = "queues, ring, timeout, promisc";
                return Err(SpecError::UnknownOption { kind: "afpacket", option: option.to_owned(), existing });
            }
        }
        Ok(())
    }
}

impl FromStr for Options {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.split(',');
        let mut options = Self::new(&parse_interface("afpacket", parts.next().unwrap_or_default())?);
        for part in parts {
            let (option, value) = part.split_once('=').unwrap_or((part, ""));
            options.set(option, value)?;
        }
        if u64::from(options.queues.get()) * u64::from(options.ring) > Self::MOST_RING_BYTES {
            let value = format!("{} x {}", options.queues, options.ring);
            return Err(SpecError::BadValue { option: "queues x ring", value, expected: "at most 8G in all" });
        }
        Ok(options)
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let promisc = switch(self.promiscuous);
        let Self { interface, queues, ring, timeout, .. } = self;
        write!(f, "{interface},queues={queues},ring={ring},timeout={timeout},promisc={promisc}")
    }
}
