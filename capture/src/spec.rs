//! What the user typed after `--source`, validated.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use crate::{Pace, Source, SourceError, af_packet, af_xdp, dpdk, pcap};

/// A source of this crate as the user named it.
///
/// `pcap:PATH` takes no options, so that a comma may stand in a path; interfaces take options after commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSpec {
    /// `pcap:PATH`: a capture file, a directory, a pattern, or `-` for standard input.
    Pcap(PathBuf),
    /// `afpacket:IFACE`: a network interface, through `TPACKET_V3` rings.
    AfPacket(af_packet::Options),
    /// `afxdp:IFACE`: a network interface, through AF_XDP sockets.
    AfXdp(af_xdp::Options),
    /// `afxdp-inline:A,B`: between two network interfaces, each frame of one going out of the other.
    AfXdpInline(af_xdp::InlineOptions),
    /// `dpdk:DEVARGS`: a device that DPDK drives. Opens only in a build with the feature `dpdk`.
    Dpdk(dpdk::Options),
}

/// A source that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpecError {
    /// There is no such kind of source.
    #[error(
        "'{0}' is not a source: write pcap:PATH (a file, a directory, a pattern, or - for standard input), afpacket:IFACE, \
         afxdp:IFACE, afxdp-inline:A,B or dpdk:DEVARGS"
    )]
    UnknownKind(String),
    /// Nothing stands after the colon.
    #[error("{0}: what to capture from is missing after the colon")]
    MissingArgument(String),
    /// There is no such option.
    #[error("{kind} has no option '{option}'; it has {existing}")]
    UnknownOption {
        /// Kind of the source.
        kind: &'static str,
        /// What was given.
        option: String,
        /// What there is.
        existing: &'static str,
    },
    /// A value that an option does not take.
    #[error("{option}={value}: {expected}")]
    BadValue {
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
}

impl FromStr for SourceSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (kind, argument) = text.split_once(':').ok_or_else(|| SpecError::UnknownKind(text.to_owned()))?;
        let argument = Some(argument).filter(|argument| !argument.is_empty());
        let argument = argument.ok_or_else(|| SpecError::MissingArgument(text.to_owned()));
        match kind {
            "pcap" => Ok(Self::Pcap(PathBuf::from(argument?))),
            "afpacket" => Ok(Self::AfPacket(argument?.parse()?)),
            "afxdp" => Ok(Self::AfXdp(argument?.parse()?)),
            "afxdp-inline" => Ok(Self::AfXdpInline(argument?.parse()?)),
            "dpdk" => Ok(Self::Dpdk(argument?.parse()?)),
            _ => Err(SpecError::UnknownKind(text.to_owned())),
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pcap(path) => write!(f, "pcap:{}", path.display()),
            Self::AfPacket(options) => write!(f, "afpacket:{options}"),
            Self::AfXdp(options) => write!(f, "afxdp:{options}"),
            Self::AfXdpInline(options) => write!(f, "afxdp-inline:{options}"),
            Self::Dpdk(options) => write!(f, "dpdk:{options}"),
        }
    }
}

impl SourceSpec {
    /// Opens the source: one [`Source`] for each of its queues.
    ///
    /// # Errors
    /// What the user has to do something about: no such file or interface, no right, not a capture.
    pub fn open(&self) -> Result<Vec<Box<dyn Source>>, SourceError> {
        match self {
            Self::Pcap(path) => Ok(vec![pcap::open(path)?]),
            Self::AfPacket(options) => af_packet::open(options),
            Self::AfXdp(options) => af_xdp::open(options),
            Self::AfXdpInline(options) => af_xdp::open_inline(options),
            Self::Dpdk(options) => dpdk::open(options),
        }
    }

    /// Whether it can be kept waiting.
    #[must_use]
    pub fn pace(&self) -> Pace {
        match self {
            Self::Pcap(_) => Pace::Patient,
            Self::AfPacket(_) | Self::AfXdp(_) | Self::AfXdpInline(_) => Pace::Live,
            Self::Dpdk(options) => options.pace(),
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
    fn a_path_may_hold_commas_and_colons() {
        let spec: SourceSpec = "pcap:/data/a,b:c.pcap".parse().unwrap();
        assert_eq!(spec, SourceSpec::Pcap(PathBuf::from("/data/a,b:c.pcap")));
        assert_eq!(spec.to_string(), "pcap:/data/a,b:c.pcap");
    }

    #[test]
    fn an_interface_takes_options_and_prints_back() {
        let spec: SourceSpec = "afpacket:eth0,queues=4,ring=64M,timeout=5,promisc=off".parse().unwrap();
        let SourceSpec::AfPacket(options) = &spec else { panic!("{spec:?}") };
        assert_eq!((options.interface.as_str(), options.queues.get(), options.promiscuous), ("eth0", 4, false));
        assert_eq!(spec.to_string().parse::<SourceSpec>().unwrap(), spec);
    }

    #[test]
    fn an_xdp_interface_takes_options_and_prints_back() {
        let spec: SourceSpec =
            "afxdp:eth0,queues=4,mode=drv,ring=4M,promisc=off,busy-poll=20,cut-off=on".parse().unwrap();
        let SourceSpec::AfXdp(options) = &spec else { panic!("{spec:?}") };
        assert_eq!((options.interface.as_str(), options.mode, options.ring), ("eth0", af_xdp::Mode::Driver, 4 << 20));
        assert_eq!((options.promiscuous, options.busy_poll, options.cut_off), (false, 20, true));
        for text in [&spec.to_string(), "afxdp:eth0", "afxdp-inline:eth1,eth2,mode=skb,ring=8M"] {
            let spec: SourceSpec = text.parse().unwrap();
            assert_eq!(spec.to_string().parse::<SourceSpec>().unwrap(), spec);
        }
    }

    #[test]
    fn a_device_of_dpdk_keeps_its_own_arguments_and_prints_back() {
        let spec: SourceSpec = "dpdk:net_pcap0,rx_pcap=a.pcap,huge=off".parse().unwrap();
        assert_eq!((spec.pace(), spec.to_string().parse()), (Pace::Patient, Ok(spec)));
    }

    #[cfg(not(feature = "dpdk"))]
    #[test]
    fn a_build_without_dpdk_says_how_to_get_one_with_it() {
        let opened = "dpdk:net_null0".parse::<SourceSpec>().unwrap().open();
        let refusal = opened.err().unwrap().to_string();
        assert!(refusal.contains("--features tap/dpdk"), "{refusal}");
    }

    #[test]
    fn a_refusal_says_what_there_is() {
        assert!(refusal("eth0").contains("afpacket:IFACE"));
        assert!(refusal("pcapp:x").contains("pcap:PATH"));
        assert!(refusal("dpdk:").contains("missing") && refusal("dpdk:net_null0,rx-queues=x").contains("1 to 64"));
        assert!(refusal("pcap:").contains("missing"));
        assert!(refusal("afpacket:,queues=2").contains("missing"));
        assert!(refusal("afpacket:eth0,queue=2").contains("queues, ring, timeout, promisc"));
        assert!(refusal("afpacket:eth0,queues=0").contains("1 to 64"));
        assert!(refusal("afpacket:eth0,ring=5X").contains("64M"));
        assert!(refusal("afpacket:eth0,promisc=maybe").contains("on or off"));
        assert!(refusal("afpacket:averyveryverylongname").contains("15"));
        assert!(refusal("afxdp:eth0,mode=native").contains("auto, zerocopy, drv or skb"));
        assert!(refusal("afxdp:eth0,copy=on").contains("queues, mode, ring, promisc, busy-poll, cut-off"));
        assert!(refusal("afxdp:eth0,busy-poll=1s").contains("0 to 5000"));
        assert!(refusal("afxdp-inline:eth0").contains("missing"));
        for text in ["afxdp-inline:eth0,eth0", "afxdp-inline:eth0,mode=drv"] {
            assert!(refusal(text).contains("two interfaces, as in eth1,eth2"));
        }
        assert!(refusal("afxdp-inline:eth0,eth1,queues=2").contains("mode, ring, cut-off"));
    }
}
