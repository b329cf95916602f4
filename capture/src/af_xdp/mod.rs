//! Network interfaces, through AF_XDP sockets: for a mirror or splitter port, whose frames end in the tap.
//!
//! [`open`] loads an XDP [program](program) and attaches it to the interface. For each receive queue there is a
//! [`Socket`](socket), memory of its own ([`Umem`](umem)) and a [`Queue`](queue), which is the [`Source`]. The program gives each
//! frame of a queue to the queue's socket, with the time before it, and counts it as offered. Frames of a queue without a socket
//! go their ordinary way. When the process ends, in whatever way, the program goes.
//!
//! # The life of a chunk
//! The memory is cut into chunks, and each [ring](ring) has room for all of them: none can be full. The fill ring gives chunks to the
//! kernel, which receives into them and gives them back in the receive ring. A frame is parsed where it lies ([`intake`]); with the
//! batch, its chunks go back into the fill ring. The kernel loses frames only when all chunks wait for us, and counts them.
//!
//! # What is captured
//! What the interface receives, as it came: VLAN tags stand in the frame, unless the hardware takes them out. A frame that is longer
//! than a chunk comes in several (Linux 6.6), of which the first has the headers. What the host itself sends is not seen.

mod bpf;
mod intake;
mod memory;
mod options;
mod program;
mod queue;
mod ring;
mod socket;
mod umem;

use std::hash::{BuildHasher, RandomState};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use bpf::{Counters, Program, Sockets};
use intake::Intake;
pub use options::{Mode, Options};
use queue::{Attachment, Parts, Queue};
use socket::Socket;
use umem::{Cut, Umem};

use crate::af_packet::Promiscuous;
use crate::interface::netlink::Netlink;
use crate::interface::{self, Failed, Interface};
use crate::{Source, SourceError};

/// Attach in the network stack (`XDP_FLAGS_SKB_MODE`).
const GENERIC: u32 = 1 << 1;
/// Attach in the driver (`XDP_FLAGS_DRV_MODE`).
const NATIVE: u32 = 1 << 2;

/// Entries of a completion ring that nothing is sent through; the kernel insists on one.
const UNUSED: u32 = 2;

/// How often a busy queue is tried, and the pause before the next time: a second in all.
const BIND_ATTEMPTS: u32 = 50;
const BIND_PAUSE: Duration = Duration::from_millis(20);

/// Opens an interface: one source a queue. Needs `CAP_NET_RAW`, `CAP_NET_ADMIN` and `CAP_BPF`.
///
/// # Errors
/// No such interface, one that is down, has no Ethernet frames, or that the host itself depends on; no right; a kernel without
/// AF_XDP.
pub fn open(options: &Options) -> Result<Vec<Box<dyn Source>>, SourceError> {
    let name = &options.interface;
    let interface = Interface::named(name)?;
    if !matches!(interface.hardware, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK) {
        return Err(SourceError::NotEthernet { interface: name.clone() });
    }
    if !interface.is_up() {
        return Err(SourceError::InterfaceDown { interface: name.clone() });
    }
    if let Some(use_of_it) = interface::default_route(name).filter(|_| !options.cut_off) {
        return Err(SourceError::InUse { interface: name.clone(), use_of_it });
    }
    let existing = interface::receive_queues(name);
    let wanted = options.queues.map_or(existing, u16::from);
    if wanted > existing {
        return Err(SourceError::TooFewQueues { interface: name.clone(), existing, wanted });
    }
    let place = if options.mode == Mode::Generic { GENERIC } else { NATIVE };
    let queues = match attach(options, &interface, wanted, place) {
        Err((_, Errno::OPNOTSUPP | Errno::INVAL | Errno::RANGE | Errno::NOSPC)) if options.mode == Mode::Auto => {
            attach(options, &interface, wanted, GENERIC)
        }
        queues => queues,
    };
    let queues = queues.map_err(|failed| explain(name, failed))?;
    Ok(queues.into_iter().map(|queue| Box::new(queue) as Box<dyn Source>).collect())
}

/// Attaches a program in `mode`, and opens a socket for each queue.
fn attach(options: &Options, interface: &Interface, count: u16, mode: u32) -> Result<Vec<Queue>, Failed> {
    let sockets = Sockets::new(count)?;
    let counters = Counters::new(count)?;
    // Nobody else's metadata begins with it.
    let key = RandomState::new().hash_one(0);
    let program = Program::load(&program::receive(&sockets, &counters, key), "conntrack_tap")?;
    let link = program.attach(interface.index, mode)?;
    let mut queues = Vec::new();
    for number in 0..count {
        queues.push(prepare(options, interface, mode, number, key)?);
    }
    let promiscuous = options.promiscuous.then(|| Promiscuous::new(interface.index)).transpose()?;
    for parts in &queues {
        sockets.set(parts.number.into(), parts.socket.as_fd())?;
    }
    let (name, index, missed) = (options.interface.clone(), interface.index, interface.missed);
    let attachment = Attachment { interface: name, index, sockets, counters, missed, link, promiscuous };
    let attachment = Arc::new(attachment);
    Ok(queues.into_iter().map(|parts| Queue::new(parts, Arc::clone(&attachment))).collect())
}

/// A socket that is bound to a queue, with memory and rings, and chunks in the fill ring.
fn prepare(options: &Options, interface: &Interface, mode: u32, number: u16, key: u64) -> Result<Parts, Failed> {
    let cut = Cut::new(options.ring, interface.mtu);
    let umem = Arc::new(Umem::new(cut).map_err(|error| ("getting memory for frames", error))?);
    let mut last = ("binding to the queue", Errno::OPNOTSUPP);
    for &flags in bindings(options.mode, mode, cut.splits(interface.mtu)) {
        // Anew each time: what a socket was told before a bind that failed cannot be taken back.
        let socket = Socket::open()?;
        socket.register(&umem)?;
        let mut fill = socket.fill(cut.chunks)?;
        let _completions = socket.completions(UNUSED)?;
        let received = socket.received(cut.chunks)?;
        for chunk in 0..cut.chunks {
            fill.put(u64::from(chunk) * u64::from(cut.chunk));
        }
        fill.publish();
        match bind(&socket, interface.index, number, flags | libc::XDP_USE_NEED_WAKEUP) {
            Err(failed @ (_, Errno::OPNOTSUPP | Errno::INVAL)) => last = failed,
            Err(failed) => return Err(failed),
            Ok(()) => {
                if options.busy_poll > 0 {
                    socket.poll_busily(options.busy_poll.cast_signed())?;
                }
                return Ok(Parts {
                    name: name(options, number),
                    detail: detail(mode, &socket, cut, flags),
                    number,
                    intake: Intake::new(umem, received, key),
                    socket,
                    fill,
                    size: cut.chunks,
                    busy: options.busy_poll > 0,
                    netlink: Netlink::open()?,
                });
            }
        }
    }
    Err(last)
}

/// Binds to a queue. The kernel frees the queue of a socket that was closed some time after the close, and tells nobody: until then it
/// is busy.
fn bind(socket: &Socket, interface: u32, queue: u16, flags: u16) -> Result<(), Failed> {
    let mut bound = Err(("binding to the queue", Errno::BUSY));
    for _ in 0..BIND_ATTEMPTS {
        bound = socket.bind(interface, queue.into(), flags);
        if !matches!(bound, Err((_, Errno::BUSY))) {
            break;
        }
        #[expect(clippy::disallowed_methods, reason = "there is nothing to wait for but time")]
        std::thread::sleep(BIND_PAUSE);
    }
    bound
}

/// How to bind, the best first. Frames in several chunks need Linux 6.6; without them, what is longer than a chunk is lost, and counted.
const fn bindings(wanted: Mode, mode: u32, splits: bool) -> &'static [u16] {
    const ZERO_COPY: u16 = libc::XDP_ZEROCOPY;
    const COPY: u16 = libc::XDP_COPY;
    const SPLIT: u16 = libc::XDP_USE_SG;
    match (wanted, mode, splits) {
        (_, GENERIC, _) => &[COPY | SPLIT, COPY],
        (Mode::ZeroCopy, _, true) => &[ZERO_COPY | SPLIT],
        (Mode::ZeroCopy, _, false) => &[ZERO_COPY],
        (_, _, true) => &[ZERO_COPY | SPLIT, COPY | SPLIT, COPY],
        (_, _, false) => &[ZERO_COPY, COPY | SPLIT, COPY],
    }
}

fn name(options: &Options, number: u16) -> String {
    format!("afxdp:{}#{number}", options.interface)
}

/// How a queue is captured, in words.
fn detail(mode: u32, socket: &Socket, cut: Cut, flags: u16) -> String {
    let place = if mode == GENERIC { "generic XDP" } else { "XDP in the driver" };
    let copy = if socket.is_zero_copy() { "zero copy" } else { "frames copied" };
    let split = if flags & libc::XDP_USE_SG == 0 { ", no frames beyond a chunk" } else { "" };
    format!("{place}, {copy}, {} chunks of {} bytes{split}", cut.chunks, cut.chunk)
}

/// What the user has to know and do.
fn explain(interface: &str, failed: Failed) -> SourceError {
    let advice = match failed {
        (_, Errno::PERM | Errno::ACCESS) => {
            let capabilities = "cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock";
            return SourceError::NotPermitted { interface: interface.to_owned(), capabilities };
        }
        (_, Errno::AFNOSUPPORT | Errno::NOSYS) => {
            "; this kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS): use afpacket:"
        }
        ("loading the XDP program", Errno::INVAL) => "; it needs Linux 6.1 or later: use afpacket:",
        ("attaching the XDP program", Errno::BUSY | Errno::EXIST) => {
            "; another XDP program is attached: 'ip link show' says which, 'ip link set dev INTERFACE xdp off' takes it off"
        }
        ("attaching the XDP program", _) => {
            "; the driver has no XDP, or not with this MTU or these queues: try mode=skb"
        }
        ("binding to the queue", Errno::BUSY) => "; another AF_XDP socket has the queue",
        ("binding to the queue", Errno::OPNOTSUPP) => "; the driver has no zero copy: try mode=drv",
        (_, Errno::NOMEM | Errno::NOBUFS) => {
            "; no more memory may be locked: 'ulimit -l unlimited', or a smaller ring, such as ring=4M"
        }
        _ => "",
    };
    interface::explain(interface, failed, advice)
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
