//! Questions and orders about interfaces, by route netlink (rtnetlink(7)).

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

use super::{Failed, Interface};

/// Room for a message: what the kernel says of an interface takes about 2 KiB.
const ROOM: usize = 32 << 10;

/// Length of `struct nlmsghdr`: length u32, type u16, flags u16, sequence u32, port u32.
const HEADER: usize = 16;
/// Length of `struct ifinfomsg`: family u8, padding u8, hardware u16, index u32, flags u32, changed u32.
const INTERFACE: usize = 16;

/// Length of `struct genlmsghdr`.
const GENERIC: usize = 4;

/// In an attribute's type: others are nested in it.
const NESTED: u16 = 1 << 15;
/// The bits of an attribute's type that are its number.
const NUMBER: u16 = 0x3fff;

// Places of u64 in struct rtnl_link_stats64.
const RX_FIFO_ERRORS: usize = 14;
const RX_MISSED_ERRORS: usize = 15;

// Attributes in IFLA_XDP (linux/if_link.h).
const XDP_FD: u16 = 1;
const XDP_ATTACHED: u16 = 2;
const XDP_FLAGS: u16 = 3;
const XDP_PROGRAM: u16 = 4;
const XDP_EXPECTED_FD: u16 = 8;

/// How a program is attached: in the network stack (`XDP_ATTACHED_SKB`).
const ATTACHED_GENERIC: u8 = 2;

/// Attach only where the program expected is attached (`XDP_FLAGS_REPLACE`).
const XDP_FLAG_REPLACE: u32 = 1 << 4;

/// A netlink socket.
pub(crate) struct Netlink(OwnedFd);

impl Netlink {
    /// For questions and orders about interfaces.
    pub(crate) fn open() -> Result<Self, Failed> {
        Self::of_protocol(None)
    }

    /// For generic netlink.
    pub(super) fn open_generic() -> Result<Self, Failed> {
        Self::of_protocol(Some(rustix::net::netlink::GENERIC))
    }

    fn of_protocol(protocol: Option<Protocol>) -> Result<Self, Failed> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol);
        socket.map(Self).map_err(|error| ("opening a netlink socket", error))
    }

    /// What the kernel says of the interface of this name.
    pub(crate) fn interface_named(&self, name: &str) -> Result<Interface, Failed> {
        let mut request = Message::new(libc::RTM_GETLINK, libc::NLM_F_REQUEST, 0);
        request.attribute(libc::IFLA_IFNAME, &[name.as_bytes(), &[0]].concat());
        self.interface(request)
    }

    /// What the kernel says of the interface of this number.
    pub(crate) fn interface_numbered(&self, index: u32) -> Result<Interface, Failed> {
        self.interface(Message::new(libc::RTM_GETLINK, libc::NLM_F_REQUEST, index))
    }

    fn interface(&self, request: Message) -> Result<Interface, Failed> {
        let answer = self.ask(request).map_err(|error| ("looking for the interface", error))?;
        Ok(read_interface(&answer))
    }

    /// Attaches an XDP program, or detaches what is there (`None`), in `mode` (`XDP_FLAGS_*_MODE`): where `expected` is attached, or
    /// where nothing is.
    pub(crate) fn attach(
        &self,
        index: u32,
        program: Option<BorrowedFd<'_>>,
        expected: Option<BorrowedFd<'_>>,
        mode: u32,
    ) -> Result<(), Errno> {
        let number = |fd: Option<BorrowedFd<'_>>| fd.map_or(-1, |fd| fd.as_raw_fd()).to_ne_bytes();
        let mut nested = Vec::new();
        push_attribute(&mut nested, XDP_FD, &number(program));
        push_attribute(&mut nested, XDP_FLAGS, &(mode | XDP_FLAG_REPLACE).to_ne_bytes());
        push_attribute(&mut nested, XDP_EXPECTED_FD, &number(expected));
        let mut request = Message::new(libc::RTM_SETLINK, libc::NLM_F_REQUEST | libc::NLM_F_ACK, index);
        request.attribute(libc::IFLA_XDP | NESTED, &nested);
        self.ask(request).map(drop)
    }

    /// Switches flags of an interface (`IFF_*`) on or off.
    pub(crate) fn set_flags(&self, index: u32, flags: u32, mask: u32) -> Result<(), Errno> {
        let mut request = Message::new(libc::RTM_NEWLINK, libc::NLM_F_REQUEST | libc::NLM_F_ACK, index);
        request.0[HEADER + 8..HEADER + 12].copy_from_slice(&flags.to_ne_bytes());
        request.0[HEADER + 12..HEADER + 16].copy_from_slice(&mask.to_ne_bytes());
        self.ask(request).map(drop)
    }

    /// Sends a request, and gives the answer: an interface, or nothing for an order that was carried out.
    pub(super) fn ask(&self, request: Message) -> Result<Vec<u8>, Errno> {
        send(&self.0, &request.finish(), SendFlags::empty())?;
        let mut answer = vec![0; ROOM];
        let (_, length) = recv(&self.0, answer.as_mut_slice(), RecvFlags::empty())?;
        answer.truncate(length);
        if i32::from(u16_at(&answer, 4)) == libc::NLMSG_ERROR {
            let error = u32_at(&answer, HEADER).cast_signed();
            answer.clear();
            return if error == 0 { Ok(answer) } else { Err(Errno::from_raw_os_error(-error)) };
        }
        Ok(answer)
    }
}

/// A request.
pub(super) struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, flags: i32, index: u32) -> Self {
        let mut bytes = vec![0; HEADER + INTERFACE];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags as u16).to_ne_bytes());
        bytes[HEADER + 4..HEADER + 8].copy_from_slice(&index.to_ne_bytes());
        Self(bytes)
    }

    /// A request of generic netlink: command u8, version u8, and nothing u16.
    pub(super) fn generic(family: u16, command: u8) -> Self {
        let mut bytes = vec![0; HEADER + GENERIC];
        bytes[4..6].copy_from_slice(&family.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(libc::NLM_F_REQUEST as u16).to_ne_bytes());
        bytes[HEADER] = command;
        Self(bytes)
    }

    /// The attributes of an answer of generic netlink.
    pub(super) fn generic_body(answer: &[u8]) -> &[u8] {
        answer.get(HEADER + GENERIC..).unwrap_or_default()
    }

    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) {
        push_attribute(&mut self.0, kind, value);
    }

    fn finish(mut self) -> Vec<u8> {
        let length = self.0.len() as u32;
        self.0[..4].copy_from_slice(&length.to_ne_bytes());
        self.0
    }
}

/// An attribute: length u16 (with these four bytes), type u16, value, and zeroes up to a multiple of four.
fn push_attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend(((value.len() + 4) as u16).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// The attributes in `bytes`, by number; what is cut off is left out.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0));
        let value = bytes.get(4..length)?;
        let kind = u16_at(bytes, 2) & NUMBER;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn read_interface(answer: &[u8]) -> Interface {
    let mut interface = Interface {
        hardware: u16_at(answer, HEADER + 2),
        index: u32_at(answer, HEADER + 4),
        flags: u32_at(answer, HEADER + 8),
        ..Interface::default()
    };
    for (kind, value) in attributes(answer.get(HEADER + INTERFACE..).unwrap_or_default()) {
        match kind {
            libc::IFLA_MTU => interface.mtu = u32_at(value, 0),
            libc::IFLA_STATS64 => {
                interface.missed =
                    u64_at(value, RX_MISSED_ERRORS * 8).saturating_add(u64_at(value, RX_FIFO_ERRORS * 8));
            }
            libc::IFLA_XDP => {
                for (kind, value) in attributes(value) {
                    match kind {
                        XDP_PROGRAM => interface.program = u32_at(value, 0),
                        XDP_ATTACHED => interface.is_generic = value.first() == Some(&ATTACHED_GENERIC),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    interface
}

/// The integer at `at`, in the host's byte order; 0 beyond the end.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes(bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default())
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_found_by_name_and_by_number() {
        let netlink = Netlink::open().unwrap();
        let loopback = netlink.interface_named("lo").unwrap();
        assert_eq!((loopback.index, loopback.hardware, loopback.program), (1, libc::ARPHRD_LOOPBACK, 0));
        assert!(loopback.mtu >= 1500);
        assert_eq!(netlink.interface_numbered(1).unwrap().mtu, loopback.mtu);
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error_of_its_own() {
        assert_eq!(
            Netlink::open().unwrap().interface_named("nosuch0"),
            Err(("looking for the interface", Errno::NODEV))
        );
    }

    #[test]
    fn attributes_that_are_cut_off_end_the_list() {
        let mut bytes = Vec::new();
        push_attribute(&mut bytes, 7, &[1, 2, 3]);
        push_attribute(&mut bytes, 9 | NESTED, &[4]);
        let all: Vec<(u16, &[u8])> = attributes(&bytes).collect();
        assert_eq!(all, [(7, &[1, 2, 3][..]), (9, &[4][..])]);
        assert_eq!(attributes(&bytes[..11]).count(), 1);
        // A length that cannot be: shorter than itself.
        assert_eq!(attributes(&[3, 0, 0, 0]).count(), 0);
    }
}
