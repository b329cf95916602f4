//! The AF_XDP socket and its options (Linux' `Documentation/networking/af_xdp.rst`).
#![expect(unsafe_code, reason = "AF_XDP sockets have no safe interface in libc or rustix")]

use std::ffi::c_int;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::last_error;
use super::memory::Mapping;
use super::ring::{Consumer, Producer};
use super::umem::Umem;
use crate::interface::Failed;

/// Frames that busy polling takes from the driver at a time (`SO_BUSY_POLL_BUDGET`).
const BUSY_POLL_BUDGET: c_int = 64;

/// An AF_XDP socket.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl Socket {
    pub(super) fn open() -> Result<Self, Failed> {
        // SAFETY: the call takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(("opening an AF_XDP socket", last_error()));
        }
        // SAFETY: the descriptor is open, and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Gives the kernel memory for frames. It must live as long as the socket.
    pub(super) fn register(&self, umem: &Umem) -> Result<(), Failed> {
        let registration = libc::xdp_umem_reg {
            addr: umem.address(),
            len: umem.len(),
            chunk_size: umem.cut.chunk,
            headroom: 0,
            flags: 0,
            tx_metadata_len: 0,
        };
        let registered = self.set(libc::SOL_XDP, libc::XDP_UMEM_REG, &registration);
        registered.map_err(|error| ("locking memory for frames", error))
    }

    /// The ring that gives chunks to the kernel to receive into.
    pub(super) fn fill(&self, size: u32) -> Result<Producer<u64>, Failed> {
        let offset = libc::XDP_UMEM_PGOFF_FILL_RING as libc::off_t;
        let failed = |error| ("making the fill ring", error);
        let offsets = self.ring(libc::XDP_UMEM_FILL_RING, size).map_err(failed)?.fr;
        let mapping = Mapping::of(self.as_fd(), offset, Producer::<u64>::bytes(&offsets, size)).map_err(failed)?;
        Producer::new(mapping, &offsets, size).ok_or(failed(Errno::INVAL))
    }

    /// The ring that gives chunks back that were sent.
    pub(super) fn completions(&self, size: u32) -> Result<Consumer<u64>, Failed> {
        let offset = libc::XDP_UMEM_PGOFF_COMPLETION_RING as libc::off_t;
        let failed = |error| ("making the completion ring", error);
        let offsets = self.ring(libc::XDP_UMEM_COMPLETION_RING, size).map_err(failed)?.cr;
        let mapping = Mapping::of(self.as_fd(), offset, Consumer::<u64>::bytes(&offsets, size)).map_err(failed)?;
        Consumer::new(mapping, &offsets, size).ok_or(failed(Errno::INVAL))
    }

    /// The ring of frames received.
    pub(super) fn received(&self, size: u32) -> Result<Consumer<libc::xdp_desc>, Failed> {
        let failed = |error| ("making the receive ring", error);
        let offsets = self.ring(libc::XDP_RX_RING, size).map_err(failed)?.rx;
        let bytes = Consumer::<libc::xdp_desc>::bytes(&offsets, size);
        let mapping = Mapping::of(self.as_fd(), libc::XDP_PGOFF_RX_RING, bytes).map_err(failed)?;
        Consumer::new(mapping, &offsets, size).ok_or(failed(Errno::INVAL))
    }

    /// The ring of frames to send.
    pub(super) fn transmit(&self, size: u32) -> Result<Producer<libc::xdp_desc>, Failed> {
        let failed = |error| ("making the transmit ring", error);
        let offsets = self.ring(libc::XDP_TX_RING, size).map_err(failed)?.tx;
        let bytes = Producer::<libc::xdp_desc>::bytes(&offsets, size);
        let mapping = Mapping::of(self.as_fd(), libc::XDP_PGOFF_TX_RING, bytes).map_err(failed)?;
        Producer::new(mapping, &offsets, size).ok_or(failed(Errno::INVAL))
    }

    /// Asks for a ring, and where the parts of all rings lie.
    fn ring(&self, option: c_int, size: u32) -> Result<libc::xdp_mmap_offsets, Errno> {
        self.set(libc::SOL_XDP, option, &size)?;
        self.get(libc::XDP_MMAP_OFFSETS)
    }

    /// Binds to a queue of an interface, with `flags` (`XDP_COPY` and others), or `XDP_SHARED_UMEM` and a socket whose memory it uses.
    pub(super) fn bind(&self, interface: u32, queue: u32, flags: u16, shared: Option<&Self>) -> Result<(), Failed> {
        let address = libc::sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            sxdp_flags: flags,
            sxdp_ifindex: interface,
            sxdp_queue_id: queue,
            sxdp_shared_umem_fd: shared.map_or(0, |other| other.0.as_raw_fd().cast_unsigned()),
        };
        let len = size_of::<libc::sockaddr_xdp>() as libc::socklen_t;
        // SAFETY: the address is a whole sockaddr_xdp, and `len` is its size.
        let result = unsafe { libc::bind(self.0.as_raw_fd(), (&raw const address).cast(), len) };
        if result < 0 { Err(("binding to the queue", last_error())) } else { Ok(()) }
    }

    /// Whether frames come without a copy.
    pub(super) fn is_zero_copy(&self) -> bool {
        let options = self.get::<libc::xdp_options>(libc::XDP_OPTIONS);
        options.is_ok_and(|options| options.flags & libc::XDP_OPTIONS_ZEROCOPY != 0)
    }

    /// Has [`Self::wake_receiver`] ask the driver for frames, for this many microseconds at most, instead of waiting for its
    /// interrupts (Linux 5.11).
    pub(super) fn poll_busily(&self, microseconds: c_int) -> Result<(), Failed> {
        let on: c_int = 1;
        for (option, value) in [
            (libc::SO_PREFER_BUSY_POLL, on),
            (libc::SO_BUSY_POLL, microseconds),
            (libc::SO_BUSY_POLL_BUDGET, BUSY_POLL_BUDGET),
        ] {
            self.set(libc::SOL_SOCKET, option, &value).map_err(|error| ("switching to busy polling", error))?;
        }
        Ok(())
    }

    /// What the socket has counted since it was opened.
    pub(super) fn statistics(&self) -> Result<libc::xdp_statistics, Errno> {
        self.get(libc::XDP_STATISTICS)
    }

    /// Tells a driver that sleeps, or is polled busily, to look for frames and room for them.
    pub(super) fn wake_receiver(&self) {
        // Nothing is received this way; a failure (an interface that is down) shows elsewhere.
        let _ = recv(&self.0, &mut [0; 0][..], RecvFlags::DONTWAIT);
    }

    /// Has the kernel send what the transmit ring holds.
    pub(super) fn wake_sender(&self) {
        // EAGAIN and EBUSY say that some is left, ENETDOWN that the interface is down: whoever sends looks at the ring.
        let _ = send(&self.0, &[], SendFlags::DONTWAIT);
    }

    /// Sets an option whose value is `T`, as the kernel defines it.
    fn set<T: OptionValue>(&self, level: c_int, option: c_int, value: &T) -> Result<(), Errno> {
        let len = size_of::<T>() as libc::socklen_t;
        // SAFETY: `value` is `len` bytes of plain data. The memory that an xdp_umem_reg points to is registered, and its owner
        // keeps it mapped for as long as the socket.
        let result = unsafe { libc::setsockopt(self.0.as_raw_fd(), level, option, (&raw const *value).cast(), len) };
        if result < 0 { Err(last_error()) } else { Ok(()) }
    }

    /// Reads an option of `SOL_XDP`. What an older kernel does not know is 0.
    fn get<T: OptionValue>(&self, option: c_int) -> Result<T, Errno> {
        // SAFETY: an option's value is integers: all zeroes is valid.
        let mut value: T = unsafe { zeroed() };
        let mut len = size_of::<T>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `len` bytes into `value`, of which any are valid.
        let result = unsafe {
            libc::getsockopt(self.0.as_raw_fd(), libc::SOL_XDP, option, (&raw mut value).cast(), &raw mut len)
        };
        if result < 0 { Err(last_error()) } else { Ok(value) }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What the kernel takes and gives as the value of an option: integers, without padding that matters.
trait OptionValue {}
impl OptionValue for c_int {}
impl OptionValue for u32 {}
impl OptionValue for libc::xdp_umem_reg {}
impl OptionValue for libc::xdp_mmap_offsets {}
impl OptionValue for libc::xdp_options {}
impl OptionValue for libc::xdp_statistics {}
