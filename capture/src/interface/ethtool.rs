//! What only the ethtool `ioctl` tells: how many queues a driver uses.
#![expect(unsafe_code, reason = "the ethtool ioctl takes a pointer to a structure that rustix does not know")]

use std::mem;
use std::os::fd::AsRawFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::LONGEST_NAME;

/// `SIOCETHTOOL` (linux/sockios.h).
const ETHTOOL: libc::Ioctl = 0x8946;
/// `ETHTOOL_GCHANNELS` (linux/ethtool.h).
const GET_CHANNELS: u32 = 0x3c;

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

/// Queues that an interface receives on; `None` where the driver does not tell.
pub(super) fn receive_queues(name: &str) -> Option<u16> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).ok()?;
    let mut channels = Channels { command: GET_CHANNELS, ..Channels::default() };
    // SAFETY: all zeroes is a valid ifreq.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes().take(LONGEST_NAME)) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_data = (&raw mut channels).cast();
    // SAFETY: the request names the interface and points to a whole `struct ethtool_channels`; both live during the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), ETHTOOL, &raw mut request) };
    let queues = channels.receive.saturating_add(channels.combined);
    u16::try_from(queues).ok().filter(|&queues| result == 0 && queues > 0)
}
