//! What can be chosen about an `afxdp:` or `afxdp-inline:` source.

use std::fmt;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::SpecError;
use crate::options::{parse_interface, parse_size, parse_switch, switch};

/// How the XDP program and the sockets stand to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The best that works: [`Mode::Driver`], else [`Mode::Generic`].
    Auto,
    /// In the driver, which writes frames into our memory itself.
    ZeroCopy,
    /// In the driver, without a copy where it offers that.
    Driver,
    /// In the network stack, for drivers without XDP; frames are copied.
    Generic,
}

impl Mode {
    const ALL: [Self; 4] = [Self::Auto, Self::ZeroCopy, Self::Driver, Self::Generic];

    /// As it is typed; `drv` and `skb` are what other tools call them.
    const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::ZeroCopy => "zerocopy",
            Self::Driver => "drv",
            Self::Generic => "skb",
        }
    }
}

/// An interface, and how to capture from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Name of the interface.
    pub interface: String,
    /// Queues to take, from the first on, each with a poller of its own; every one without a number.
    pub queues: Option<NonZeroU16>,
    /// How.
    pub mode: Mode,
    /// Bytes of memory for the frames of each queue.
    pub ring: u32,
    /// Whether to take frames for other hosts too.
    pub promiscuous: bool,
    /// Microseconds for which a poller without frames asks the driver for some, without sleeping; 0: it sleeps at once.
    pub busy_poll: u32,
    /// Whether to take an interface that the host itself depends on.
    pub cut_off: bool,
}

impl Options {
    /// Least and most bytes of a queue's memory.
    const RING_RANGE: RangeInclusive<u32> = (256 << 10)..=(1 << 30);
    /// Longest busy polling, µs: what a poller may be deaf to the end of a campaign for.
    const LONGEST_BUSY_POLL: u32 = 5000;

    /// An interface with the defaults.
    #[must_use]
    pub fn new(interface: &str) -> Self {
        Self {
            interface: interface.to_owned(),
            queues: None,
            mode: Mode::Auto,
            // As AF_PACKET's ring: half a second of 1 Gbit/s of long frames, 32,768 of short ones.
            ring: 64 << 20,
            promiscuous: true,
            // A processor for each queue is not ours to take unasked.
            busy_poll: 0,
            cut_off: false,
        }
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), SpecError> {
        let bad = |option, expected| SpecError::BadValue { option, value: value.to_owned(), expected };
        match option {
            "queues" => self.queues = Some(value.parse().map_err(|_| bad("queues", "a number from 1 on"))?),
            "mode" => {
                let mode = Mode::ALL.into_iter().find(|mode| mode.name() == value);
                self.mode = mode.ok_or_else(|| bad("mode", "auto, zerocopy, drv or skb"))?;
            }
            "ring" => {
                let ring = parse_size(value).filter(|ring| Self::RING_RANGE.contains(ring));
                self.ring = ring.ok_or_else(|| bad("ring", "a size from 256K to 1G, such as 64M"))?;
            }
            "promisc" => self.promiscuous = parse_switch("promisc", value)?,
            "busy-poll" => {
                let time = value.parse().ok().filter(|&time| time <= Self::LONGEST_BUSY_POLL);
                self.busy_poll = time.ok_or_else(|| bad("busy-poll", "microseconds from 0 to 5000"))?;
            }
            "cut-off" => self.cut_off = parse_switch("cut-off", value)?,
            _ => {
                let existing = "queues, mode, ring, promisc, busy-poll, cut-off";
                return Err(SpecError::UnknownOption { kind: "afxdp", option: option.to_owned(), existing });
            }
        }
        Ok(())
    }
}

impl FromStr for Options {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.split(',');
        let mut options = Self::new(&parse_interface("afxdp", parts.next().unwrap_or_default())?);
        for part in parts {
            let (option, value) = part.split_once('=').unwrap_or((part, ""));
            options.set(option, value)?;
        }
        Ok(options)
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, queues, mode, ring, promiscuous, busy_poll, cut_off } = self;
        write!(f, "{interface}")?;
        if let Some(queues) = queues {
            write!(f, ",queues={queues}")?;
        }
        let (promisc, cut_off) = (switch(*promiscuous), switch(*cut_off));
        write!(f, ",mode={},ring={ring},promisc={promisc},busy-poll={busy_poll},cut-off={cut_off}", mode.name())
    }
}

/// Two interfaces, and how to stand between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineOptions {
    /// One port, and the options of both.
    pub first: Options,
    /// Name of the other port.
    pub second: String,
}

impl FromStr for InlineOptions {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        const KIND: &str = "afxdp-inline";
        let mut parts = text.split(',');
        let mut first = Options::new(&parse_interface(KIND, parts.next().unwrap_or_default())?);
        let second = parse_interface(KIND, parts.next().unwrap_or_default())?;
        if first.interface == second || second.contains('=') {
            return Err(SpecError::BadValue {
                option: KIND,
                value: text.to_owned(),
                expected: "two interfaces, as in eth1,eth2",
            });
        }
        for part in parts {
            let (option, value) = part.split_once('=').unwrap_or((part, ""));
            if !["mode", "ring", "cut-off"].contains(&option) {
                let existing = "mode, ring, cut-off";
                return Err(SpecError::UnknownOption { kind: KIND, option: option.to_owned(), existing });
            }
            first.set(option, value)?;
        }
        Ok(Self { first, second })
    }
}

impl fmt::Display for InlineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { interface, mode, ring, cut_off, .. } = &self.first;
        write!(f, "{interface},{},mode={},ring={ring},cut-off={}", self.second, mode.name(), switch(*cut_off))
    }
}
