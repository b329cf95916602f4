//! What the kernel says of a network interface, in the network namespace that this process is in.
//!
//! Asked by netlink and `ioctl`, not of `/sys`: a mount of sysfs shows the namespace that it was made in.

pub(crate) mod clock;
pub(crate) mod ethtool;
mod features;
pub(crate) mod netlink;
pub(crate) mod watch;

use std::fs;

use rustix::io::Errno;

use crate::SourceError;
pub use features::XdpFeatures;
use netlink::Netlink;

/// What was tried, and what the kernel said.
pub(crate) type Failed = (&'static str, Errno);

/// In the flags of a route: it says that there is no way (`RTF_REJECT`).
const REJECT: u32 = 0x200;

/// The statistic of an interface's frames that are longer than it takes from the wire.
pub const OVER_MTU: &str = "over_mtu";

/// Longest name of an interface: `IFNAMSIZ` less the final zero.
pub(crate) const LONGEST_NAME: usize = 15;

/// An interface as it was when it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its number.
    pub index: u32,
    /// Its hardware type (`ARPHRD_*`).
    pub hardware: u16,
    /// Its flags (`IFF_*`).
    pub flags: u32,
    /// Longest packet that it sends, bytes, without the Ethernet header.
    pub mtu: u32,
    /// Frames that the hardware had no room for (`rx_missed_errors` and `rx_fifo_errors`).
    pub missed: u64,
    /// Number of the XDP program that is attached to it; 0 without one.
    pub program: u32,
    /// Whether that is in the network stack, not in the driver.
    pub is_generic: bool,
}

impl Interface {
    /// The interface of this name.
    ///
    /// # Errors
    /// There is none, or netlink does not answer.
    pub fn named(name: &str) -> Result<Self, SourceError> {
        let found = Netlink::open().and_then(|netlink| netlink.interface_named(name));
        found.map_err(|failed| explain(name, failed, ""))
    }

    /// Longest frame that it takes from the wire, bytes: what is longer was put together afterwards, or is not cut up yet.
    #[must_use]
    pub const fn longest_frame(&self) -> u32 {
        // Addresses and type, and two VLAN tags.
        self.mtu.saturating_add(14 + 2 * 4)
    }

    /// Whether it is switched on.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.flags & libc::IFF_UP as u32 != 0
    }

    /// Whether there is somebody at the other end.
    #[must_use]
    pub const fn has_carrier(&self) -> bool {
        self.flags & libc::IFF_LOWER_UP as u32 != 0
    }
}

/// Queues that an interface receives on; 1 where the driver does not tell.
#[must_use]
pub fn receive_queues(name: &str) -> u16 {
    ethtool::receive_queues(name).unwrap_or(1)
}

/// The first way in which the host itself depends on an interface: a default route through it. Whatever takes the interface's frames away
/// from the network stack cuts the host off from there.
#[must_use]
pub fn default_route(name: &str) -> Option<&'static str> {
    let reads = |path: &str| fs::read_to_string(path).unwrap_or_default();
    // Iface Destination Gateway ...: the destination in hexadecimal.
    let ipv4 = reads("/proc/thread-self/net/route");
    let is_default = |line: &str| {
        let mut words = line.split_whitespace();
        words.next() == Some(name) && words.next() == Some("00000000")
    };
    if ipv4.lines().any(is_default) {
        return Some("the default route for IPv4");
    }
    // Destination, its length, source, its length, next hop, metric, references, uses, flags, device.
    let ipv6 = reads("/proc/thread-self/net/ipv6_route");
    let is_default = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [.., flags, device] = words[..] else { return false };
        let is_refusal = u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & REJECT != 0);
        device == name && words.get(1) == Some(&"00") && !is_refusal
    };
    ipv6.lines().any(is_default).then_some("the default route for IPv6")
}

/// The same for people.
fn list() -> String {
    names().join(", ")
}

/// Names of the interfaces of this network namespace.
#[must_use]
pub fn names() -> Vec<String> {
    let table = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    table.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim().to_owned()).collect()
}

/// What the user has to know and do about a failure that has the same meaning for every backend; `advice` otherwise.
pub(crate) fn explain(interface: &str, (action, error): Failed, advice: &'static str) -> SourceError {
    let interface = interface.to_owned();
    match error {
        Errno::NODEV => SourceError::NoSuchInterface { interface, existing: list() },
        Errno::NETDOWN => SourceError::InterfaceDown { interface },
        _ => SourceError::Device { interface, action, error: error.into(), advice },
    }
}
