//! Offloads that change frames before a tap sees them.

use std::fmt;
use std::str::FromStr;

use super::{ethtool, explain};
use crate::SourceError;

// Commands and flags of linux/ethtool.h.
const GET_TSO: u32 = 0x1e;
const SET_TSO: u32 = 0x1f;
const GET_GSO: u32 = 0x23;
const SET_GSO: u32 = 0x24;
const GET_FLAGS: u32 = 0x25;
const SET_FLAGS: u32 = 0x26;
const GET_GRO: u32 = 0x2b;
const SET_GRO: u32 = 0x2c;
const FLAG_RX_VLAN: u32 = 1 << 8;
const FLAG_LRO: u32 = 1 << 15;

/// An offload, by the name that `ethtool -K` has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offload {
    /// The kernel puts received segments together.
    Gro,
    /// The hardware does.
    Lro,
    /// The hardware cuts up what is sent, after a tap on this host has seen it.
    Tso,
    /// The kernel does.
    Gso,
    /// The hardware takes the outermost VLAN tag out of what is received.
    RxVlan,
}

impl Offload {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Gro, Self::Lro, Self::Tso, Self::Gso, Self::RxVlan];

    /// As ethtool calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gro => "gro",
            Self::Lro => "lro",
            Self::Tso => "tso",
            Self::Gso => "gso",
            Self::RxVlan => "rxvlan",
        }
    }

    /// The commands that get and set it, and its bit in their number.
    const fn commands(self) -> (u32, u32, u32) {
        match self {
            Self::Gro => (GET_GRO, SET_GRO, 1),
            Self::Lro => (GET_FLAGS, SET_FLAGS, FLAG_LRO),
            Self::Tso => (GET_TSO, SET_TSO, 1),
            Self::Gso => (GET_GSO, SET_GSO, 1),
            Self::RxVlan => (GET_FLAGS, SET_FLAGS, FLAG_RX_VLAN),
        }
    }

    /// Whether it is on; not where the driver has no such thing.
    #[must_use]
    pub fn is_on(self, interface: &str) -> bool {
        let (get, _, bit) = self.commands();
        ethtool::value(interface, get).is_ok_and(|value| value & bit != 0)
    }

    /// Switches it. Needs `CAP_NET_ADMIN`.
    ///
    /// # Errors
    /// No such interface, no right, or a driver that cannot do without it.
    pub fn set(self, interface: &str, on: bool) -> Result<(), SourceError> {
        let (get, set, bit) = self.commands();
        let switched = ethtool::value(interface, get).and_then(|value| {
            let wanted = if on { value | bit } else { value & !bit };
            if wanted == value { Ok(()) } else { ethtool::set_value(interface, set, wanted) }
        });
        let advice = "; see 'ethtool -k INTERFACE', or leave --set-offloads out";
        switched.map_err(|error| explain(interface, ("switching an offload", error), advice))
    }
}

impl FromStr for Offload {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|offload| offload.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Offload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_ethtool_and_read_back() {
        for offload in Offload::ALL {
            assert_eq!(offload.as_str().parse(), Ok(offload));
        }
        assert_eq!("rx".parse::<Offload>(), Err(()));
    }

    #[test]
    fn an_interface_that_is_not_there_has_none_on() {
        assert!(Offload::ALL.iter().all(|offload| !offload.is_on("nosuch0")));
        let refusal = Offload::Gro.set("nosuch0", false).unwrap_err().to_string();
        assert!(refusal.starts_with("there is no interface nosuch0"), "{refusal}");
    }
}
