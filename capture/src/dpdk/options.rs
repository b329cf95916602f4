//! What can be chosen about a `dpdk:` source.

use std::fmt;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::options::{parse_size, parse_switch, switch};
use crate::{Pace, SpecError};

/// A device, and how to capture from it.
///
/// What is none of the options below belongs to the device's own arguments, so that they are written as everywhere in DPDK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The device with its arguments (DPDK's devargs), such as `0000:03:00.0` or `net_pcap0,rx_pcap=FILE`.
    pub device: String,
    /// Receive queues, each with a poller of its own.
    pub queues: NonZeroU16,
    /// Bytes of buffers for each queue.
    pub ring: u32,
    /// Whether to take frames for other hosts too.
    pub promiscuous: bool,
    /// Whether buffers lie in huge pages. Without them every driver of real hardware is slow, and some do not work.
    pub huge: bool,
    /// Further arguments for DPDK's environment (EAL).
    pub eal: Vec<String>,
}

impl Options {
    /// Most queues of one source: DPDK knows 128 threads.
    const MOST_QUEUES: u16 = 64;
    /// Least and most bytes of a queue's buffers: the least are some hundred.
    const RING_RANGE: RangeInclusive<u32> = (4 << 20)..=(1 << 30);

    /// A device with the defaults.
    #[must_use]
    pub fn new(device: &str) -> Self {
        Self {
            device: device.to_owned(),
            queues: NonZeroU16::MIN,
            // As the other sources' rings; beyond the descriptors of a card it only fills while they are refilled.
            ring: 64 << 20,
            promiscuous: true,
            huge: true,
            eal: Vec::new(),
        }
    }

    /// Its name in ledgers and messages: the device without its arguments.
    #[must_use]
    pub fn name(&self) -> &str {
        self.device.split(',').next().unwrap_or_default()
    }

    /// Whether a capture file stands behind the device, once: it can wait, and ends.
    #[must_use]
    pub fn is_file(&self) -> bool {
        let mut arguments = self.device.split(',');
        let is_pcap = arguments.next().is_some_and(|name| name.starts_with("net_pcap"));
        is_pcap
            && arguments.clone().any(|argument| argument.starts_with("rx_pcap="))
            && !arguments.any(|argument| argument.starts_with("infinite_rx=") && argument != "infinite_rx=0")
    }

    /// Whether it can be kept waiting.
    #[must_use]
    pub fn pace(&self) -> Pace {
        if self.is_file() { Pace::Patient } else { Pace::Live }
    }

    /// Takes an option of ours; `false` if it is none.
    fn set(&mut self, option: &str, value: &str) -> Result<bool, SpecError> {
        let bad = |option, expected| SpecError::BadValue { option, value: value.to_owned(), expected };
        match option {
            "rx-queues" => {
                let queues = value.parse().ok().filter(|queues: &NonZeroU16| queues.get() <= Self::MOST_QUEUES);
                self.queues = queues.ok_or_else(|| bad("rx-queues", "a number from 1 to 64"))?;
            }
            "ring" => {
                let ring = parse_size(value).filter(|ring| Self::RING_RANGE.contains(ring));
                self.ring = ring.ok_or_else(|| bad("ring", "a size from 4M to 1G, such as 64M"))?;
            }
            "promisc" => self.promiscuous = parse_switch("promisc", value)?,
            "huge" => self.huge = parse_switch("huge", value)?,
            "eal" => self.eal.push(value.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl FromStr for Options {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut options = Self::new("");
        let mut device = Vec::new();
        for part in text.split(',') {
            let (option, value) = part.split_once('=').unwrap_or((part, ""));
            if device.is_empty() || !options.set(option, value)? {
                device.push(part);
            }
        }
        options.device = device.join(",");
        if options.name().is_empty() || options.device.contains('\0') {
            return Err(SpecError::MissingArgument("dpdk".to_owned()));
        }
        Ok(options)
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, queues, ring, promiscuous, huge, eal } = self;
        write!(f, "{device},rx-queues={queues},ring={ring},promisc={},huge={}", switch(*promiscuous), switch(*huge))?;
        eal.iter().try_for_each(|argument| write!(f, ",eal={argument}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_option_of_ours_belongs_to_the_device() {
        let options: Options =
            "net_af_packet0,iface=eth0,rx-queues=2,qpairs=2,huge=off,eal=--iova-mode=va,eal=-m=512".parse().unwrap();
        assert_eq!(options.device, "net_af_packet0,iface=eth0,qpairs=2");
        assert_eq!((options.name(), options.queues.get(), options.huge), ("net_af_packet0", 2, false));
        assert_eq!(options.eal, ["--iova-mode=va", "-m=512"]);
        assert_eq!(options.to_string().parse::<Options>().unwrap(), options);
        let options: Options = "0000:03:00.0,representor=[0,1],ring=16M".parse().unwrap();
        assert_eq!((options.device.as_str(), options.ring), ("0000:03:00.0,representor=[0,1]", 16 << 20));
    }

    #[test]
    fn a_capture_file_can_wait_and_a_repeated_one_or_an_interface_cannot() {
        for (text, pace) in [
            ("net_pcap0,rx_pcap=a.pcap", Pace::Patient),
            ("net_pcap0,rx_pcap=a.pcap,infinite_rx=0", Pace::Patient),
            ("net_pcap0,rx_pcap=a.pcap,infinite_rx=1", Pace::Live),
            ("net_pcap0,rx_iface=eth0", Pace::Live),
            ("net_af_packet0,iface=eth0", Pace::Live),
            ("0000:03:00.0", Pace::Live),
        ] {
            assert_eq!(text.parse::<Options>().unwrap().pace(), pace, "{text}");
        }
    }

    #[test]
    fn a_refusal_says_what_an_option_takes() {
        let refusal = |text: &str| text.parse::<Options>().unwrap_err().to_string();
        assert!(refusal("").contains("missing"));
        assert!(refusal(",huge=off").contains("missing"));
        assert!(refusal("net_null0,rx-queues=0").contains("1 to 64"));
        assert!(refusal("net_null0,ring=1K").contains("4M to 1G"));
        assert!(refusal("net_null0,huge=2M").contains("on or off"));
    }
}
