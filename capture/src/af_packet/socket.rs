//! The packet socket and its options (packet(7), Linux' `Documentation/networking/packet_mmap.rst`).
#![expect(unsafe_code, reason = "packet sockets have no safe interface in libc or rustix")]

use std::ffi::c_int;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{netdevice, sockopt};

use crate::interface::Failed;

/// The version of the ring's layout (`enum tpacket_versions`).
const TPACKET_V3: c_int = 2;

/// What the kernel has counted since it was last asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statistics {
    /// Frames for this socket, those dropped included.
    pub frames: u32,
    /// Frames dropped because no block was free.
    pub drops: u32,
}

/// An `AF_PACKET` socket.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl Socket {
    /// A socket for `TPACKET_V3` that is bound to no protocol yet and so receives nothing.
    pub(super) fn open() -> Result<Self, Failed> {
        // SAFETY: the call takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(("opening a packet socket", last_error()));
        }
        // SAFETY: the descriptor is open, and nobody else knows it.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        socket
            .set(libc::SOL_PACKET, libc::PACKET_VERSION, &TPACKET_V3)
            .map_err(|error| ("choosing TPACKET_V3", error))?;
        Ok(socket)
    }

    /// Whether the interface of this number still exists, whatever its name is now.
    pub(super) fn interface_exists(&self, index: u32) -> bool {
        netdevice::index_to_name(&self.0, index).is_ok()
    }

    /// Lets no frame in any more (`SO_ATTACH_FILTER` with the program `return 0`). Those in the ring stay.
    pub(super) fn stop_listening(&self) -> Result<(), Failed> {
        let mut reject_all = libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: 0 };
        let program = libc::sock_fprog { len: 1, filter: &raw mut reject_all };
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program).map_err(|error| ("attaching a filter", error))
    }

    /// Takes the filter of [`Self::stop_listening`] away.
    pub(super) fn listen(&self) -> Result<(), Failed> {
        let unused: c_int = 0;
        self.set(libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &unused).map_err(|error| ("detaching a filter", error))
    }

    /// Binds to an interface, for all protocols, and gives its hardware type (`ARPHRD_*`).
    pub(super) fn bind(&self, interface: u32) -> Result<u16, Failed> {
        let failed = |error| ("binding to the interface", error);
        let mut address = Self::address(interface);
        let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: the address is a whole sockaddr_ll, and `len` is its size.
        let result = unsafe { libc::bind(self.0.as_raw_fd(), (&raw const address).cast(), len) };
        check(result).map_err(failed)?;
        self.error().map_err(failed)?;
        let mut len = len;
        // SAFETY: the kernel writes at most `len` bytes, the size of the address.
        let result = unsafe { libc::getsockname(self.0.as_raw_fd(), (&raw mut address).cast(), &raw mut len) };
        check(result).map_err(failed)?;
        if i32::from(address.sll_hatype) == i32::from(libc::ARPHRD_LOOPBACK) {
            let on: c_int = 1;
            let ignored = self.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &on);
            ignored.map_err(|error| ("leaving out outgoing frames of a loopback interface (Linux 4.20)", error))?;
        }
        Ok(address.sll_hatype)
    }

    fn address(interface: u32) -> libc::sockaddr_ll {
        libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
            sll_ifindex: interface as i32,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        }
    }

    /// Has the interface take frames for other hosts for as long as the socket is open.
    pub(super) fn be_promiscuous(&self, interface: u32) -> Result<(), Failed> {
        let membership = libc::packet_mreq {
            mr_ifindex: interface as i32,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        let set = self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership);
        set.map_err(|error| ("switching to promiscuous mode", error))
    }

    /// Joins the fanout group, or founds one whose number the kernel chooses; gives its number. Flows are divided by the
    /// kernel's flow hash, which is the same for both directions.
    pub(super) fn join_fanout(&self, group: Option<u16>) -> Result<u16, Failed> {
        let failed = |error| ("joining a fanout group", error);
        let flags = if group.is_none() { libc::PACKET_FANOUT_FLAG_UNIQUEID } else { 0 };
        let request = u32::from(group.unwrap_or(0)) | ((libc::PACKET_FANOUT_HASH | flags) << 16);
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &request).map_err(failed)?;
        let joined: u32 = self.get(libc::PACKET_FANOUT).map_err(failed)?;
        Ok((joined & 0xffff) as u16)
    }

    /// Asks for the ring; [`super::ring`] maps it.
    pub(super) fn request_ring(&self, request: &libc::tpacket_req3) -> Result<(), Failed> {
        self.set(libc::SOL_PACKET, libc::PACKET_RX_RING, request).map_err(|error| ("setting up the ring", error))
    }

    /// The kernel's counters since the last call: reading sets them to zero.
    pub(super) fn statistics(&self) -> Result<Statistics, Errno> {
        // tpacket_stats_v3: frames, drops, and how often the ring was full.
        let [frames, drops, _freezes]: [u32; 3] = self.get(libc::PACKET_STATISTICS)?;
        Ok(Statistics { frames, drops })
    }

    /// The error that waits on the socket, such as `ENETDOWN`; asking clears it.
    pub(super) fn error(&self) -> Result<(), Errno> {
        sockopt::socket_error(&self.0)?
    }

    /// Sets an option whose value is `T`, as the kernel defines it.
    fn set<T: OptionValue>(&self, level: c_int, option: c_int, value: &T) -> Result<(), Errno> {
        let len = size_of::<T>() as libc::socklen_t;
        // SAFETY: `value` is `len` bytes of plain data; where it holds a pointer (sock_fprog), that lives during the call.
        check(unsafe { libc::setsockopt(self.0.as_raw_fd(), level, option, (&raw const *value).cast(), len) })
    }

    /// Reads an option of `SOL_PACKET`.
    fn get<T: OptionValue + Default>(&self, option: c_int) -> Result<T, Errno> {
        let mut value = T::default();
        let mut len = size_of::<T>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `len` bytes into `value`, which is integers: any bytes are valid.
        let result = unsafe {
            libc::getsockopt(self.0.as_raw_fd(), libc::SOL_PACKET, option, (&raw mut value).cast(), &raw mut len)
        };
        check(result).map(|()| value)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What the kernel takes and gives as the value of an option: plain data without padding that matters.
trait OptionValue {}
impl OptionValue for c_int {}
impl OptionValue for u32 {}
impl OptionValue for [u32; 3] {}
impl OptionValue for libc::sock_fprog {}
impl OptionValue for libc::packet_mreq {}
impl OptionValue for libc::tpacket_req3 {}

fn check(result: c_int) -> Result<(), Errno> {
    if result < 0 { Err(last_error()) } else { Ok(()) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
