//! What only the ethtool `ioctl` tells and sets: how many queues a driver uses, and its offloads.
#![expect(unsafe_code, reason = "the ethtool ioctl takes a pointer to a structure that rustix does not know")]

use std::mem;
use std::os::fd::AsRawFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::LONGEST_NAME;

/// `SIOCETHTOOL` (linux/sockios.h).
const ETHTOOL: libc::Ioctl = 0x8946;
/// `ETHTOOL_GCHANNELS` (linux/ethtool.h).
const GET_CHANNELS: u32 = 0x3c;

/// A structure of linux/ethtool.h that begins with its command and consists of integers.
trait Request {}

/// `struct ethtool_channels`.
#[repr(C)]
#[derive(Default)]
struct Channels {
    command: u32,
    most: [u32; 4],
    receive: u32,
    transmit: u32,
    other: u32,
    combined: u32,
}

impl Request for Channels {}

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

impl Request for Value {}

/// Carries out a command on the interface of this name.
fn carry_out<T: Request>(name: &str, request: &mut T) -> Result<(), Errno> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: all zeroes is a valid ifreq.
    let mut call: libc::ifreq = unsafe { mem::zeroed() };
    for (to, from) in call.ifr_name.iter_mut().zip(name.bytes().take(LONGEST_NAME)) {
        *to = from as libc::c_char;
    }
    call.ifr_ifru.ifru_data = (&raw mut *request).cast();
    // SAFETY: the call names the interface and points to a whole structure of the command that stands in it, of integers, of which any are
    // valid; both live during the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), ETHTOOL, &raw mut call) };
    if result < 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    Ok(())
}

/// Queues that an interface receives on; `None` where the driver does not tell.
pub(super) fn receive_queues(name: &str) -> Option<u16> {
    let mut channels = Channels { command: GET_CHANNELS, ..Channels::default() };
    carry_out(name, &mut channels).ok()?;
    let queues = channels.receive.saturating_add(channels.combined);
    u16::try_from(queues).ok().filter(|&queues| queues > 0)
}

/// The number that a command of `ETHTOOL_G...` answers.
pub(super) fn value(name: &str, command: u32) -> Result<u32, Errno> {
    let mut value = Value { command, data: 0 };
    carry_out(name, &mut value).map(|()| value.data)
}

/// Carries out a command of `ETHTOOL_S...`.
pub(super) fn set_value(name: &str, command: u32, data: u32) -> Result<(), Errno> {
    carry_out(name, &mut Value { command, data })
}
