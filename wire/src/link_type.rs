//! Link types of capture files and devices.

/// The outermost header of a frame, by its LINKTYPE number in capture files
/// (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// BSD loopback, 0: an address family in the byte order of the capturing host.
    Null,
    /// Ethernet, 1.
    Ethernet,
    /// ARCNET as BSD captures it, 7.
    Arcnet,
    /// PPP, 9.
    Ppp,
    /// FDDI, 10.
    Fddi,
    /// PPP in HDLC-like framing or Cisco HDLC, 50.
    PppHdlc,
    /// PPPoE session packets, 51.
    PppEther,
    /// IPv4 or IPv6 without a link header, 101; files also say 12 or 14, the numbers that BSD systems use for it.
    Raw,
    /// Cisco HDLC, 104.
    CiscoHdlc,
    /// IEEE 802.11, 105.
    Ieee80211,
    /// OpenBSD loopback, 108: an address family in network order.
    Loop,
    /// Linux "cooked" capture, 113.
    LinuxSll,
    /// IEEE 802.11 after a radiotap header, 127.
    Radiotap,
    /// ARCNET as Linux captures it, 129.
    ArcnetLinux,
    /// Ethernet after a Juniper header, 178.
    JuniperEther,
    /// A Per-Packet Information header, then any other link type, 192.
    Ppi,
    /// IPv4 without a link header, 228.
    Ipv4,
    /// IPv6 without a link header, 229.
    Ipv6,
    /// Linux netfilter log, 239.
    Nflog,
    /// IP over InfiniBand, 242.
    Ipoib,
    /// Linux "cooked" capture version 2, 276.
    LinuxSll2,
    /// A number that the parser does not know: every frame is rejected by name.
    Unknown(u32),
}

/// Every known link type with its number; 12 and 14 come after 101, so that [`LinkType::number`] finds 101.
const NUMBERS: [(u32, LinkType); 23] = [
    (0, LinkType::Null),
    (1, LinkType::Ethernet),
    (7, LinkType::Arcnet),
    (9, LinkType::Ppp),
    (10, LinkType::Fddi),
    (50, LinkType::PppHdlc),
    (51, LinkType::PppEther),
    (101, LinkType::Raw),
    (12, LinkType::Raw),
    (14, LinkType::Raw),
    (104, LinkType::CiscoHdlc),
    (105, LinkType::Ieee80211),
    (108, LinkType::Loop),
    (113, LinkType::LinuxSll),
    (127, LinkType::Radiotap),
    (129, LinkType::ArcnetLinux),
    (178, LinkType::JuniperEther),
    (192, LinkType::Ppi),
    (228, LinkType::Ipv4),
    (229, LinkType::Ipv6),
    (239, LinkType::Nflog),
    (242, LinkType::Ipoib),
    (276, LinkType::LinuxSll2),
];

impl LinkType {
    /// The link type of a LINKTYPE number.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        NUMBERS.iter().find(|(known, _)| *known == number).map_or(Self::Unknown(number), |(_, link)| *link)
    }

    /// The LINKTYPE number; 101 for every raw IP.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Unknown(number) => number,
            known => NUMBERS.iter().find(|(_, link)| *link == known).map_or(u32::MAX, |(number, _)| *number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_from_its_link_type_except_for_the_aliases_of_raw_ip() {
        for number in (0..400).filter(|number| ![12, 14].contains(number)) {
            assert_eq!(LinkType::from_number(number).number(), number);
        }
        assert_eq!(LinkType::from_number(12), LinkType::Raw);
        assert_eq!(LinkType::Raw.number(), 101);
        assert_eq!(LinkType::from_number(147), LinkType::Unknown(147));
    }
}
