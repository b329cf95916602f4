//! What stands after `--source`: a device or file, which capture opens, or a simulation, which hwsim does.

use std::fmt;
use std::str::FromStr;

use capture::{Pace, Source, SourceError, SpecError};
use hwsim::source::{Options as Simulation, OptionsError};
use thiserror::Error;

/// A source as the user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSpec {
    /// `pcap:`, `afpacket:`, `afxdp:`, `afxdp-inline:`, `dpdk:`: packets of a real network.
    Captured(capture::SourceSpec),
    /// `sim:SCENARIO`: simulated capture hardware.
    Simulated(Box<Simulation>),
}

/// A source that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadSource {
    /// There is no such kind of source.
    #[error(
        "'{0}' is not a source: write pcap:PATH (a file, a directory, a pattern, or - for standard input), afpacket:IFACE, \
         afxdp:IFACE, afxdp-inline:A,B, dpdk:DEVARGS or sim:SCENARIO"
    )]
    UnknownKind(String),
    /// One of a real network.
    #[error(transparent)]
    Captured(SpecError),
    /// A simulated one.
    #[error(transparent)]
    Simulated(OptionsError),
}

impl FromStr for SourceSpec {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        if let Some(options) = text.strip_prefix("sim:") {
            return options.parse().map(|options| Self::Simulated(Box::new(options))).map_err(BadSource::Simulated);
        }
        text.parse().map(Self::Captured).map_err(|error| match error {
            SpecError::UnknownKind(text) => BadSource::UnknownKind(text),
            error => BadSource::Captured(error),
        })
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Captured(spec) => spec.fmt(f),
            Self::Simulated(options) => write!(f, "sim:{options}"),
        }
    }
}

impl SourceSpec {
    /// Opens the source: one [`Source`] for each of its queues.
    ///
    /// # Errors
    /// What the user has to do something about.
    pub fn open(&self) -> Result<Vec<Box<dyn Source>>, SourceError> {
        match self {
            Self::Captured(spec) => spec.open(),
            Self::Simulated(options) => hwsim::source::open(options),
        }
    }

    /// Whether it can be kept waiting.
    #[must_use]
    pub fn pace(&self) -> Pace {
        match self {
            Self::Captured(spec) => spec.pace(),
            Self::Simulated(_) => Pace::Patient,
        }
    }

    /// Whose clock stamps its packets.
    #[must_use]
    pub fn clock_source(&self) -> &'static str {
        match (self, self.pace()) {
            (Self::Simulated(_), _) => "the simulated device's clock",
            (Self::Captured(_), Pace::Patient) => "the capture files' timestamps",
            (Self::Captured(capture::SourceSpec::AfXdp(_) | capture::SourceSpec::AfXdpInline(_)), Pace::Live) => {
                "this host's clock, read by the kernel as packets arrive (by a poller, once a batch, where the driver has no room for it)"
            }
            (Self::Captured(capture::SourceSpec::Dpdk(_)), Pace::Live) => {
                "this host's clock, read by a poller once a burst of packets"
            }
            (Self::Captured(_), Pace::Live) => "this host's clock, read by the kernel as packets arrive",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<SourceSpec>().unwrap_err().to_string()
    }

    #[test]
    fn each_kind_goes_to_who_opens_it_and_prints_back() {
        for text in [
            "pcap:a,b.pcap",
            "afpacket:eth0,queues=2",
            "afxdp:eth0,mode=drv",
            "afxdp-inline:eth1,eth2",
            "dpdk:0000:03:00.0,rx-queues=4",
            "sim:uplink-small,seed=9,loss=0.5",
        ] {
            let spec: SourceSpec = text.parse().unwrap();
            assert_eq!(spec.to_string().parse::<SourceSpec>().unwrap(), spec, "{text}");
        }
        let simulated: SourceSpec = "sim:uplink-small".parse().unwrap();
        assert_eq!((simulated.pace(), simulated.clock_source()), (Pace::Patient, "the simulated device's clock"));
    }

    #[test]
    fn a_refusal_says_what_there_is() {
        assert!(refusal("eth0").contains("sim:SCENARIO") && refusal("eth0").contains("pcap:PATH"));
        assert!(refusal("afpacket:eth0,queue=2").contains("queues, ring, timeout, promisc"));
        assert!(refusal("sim:").contains("uplink-small"));
    }
}
