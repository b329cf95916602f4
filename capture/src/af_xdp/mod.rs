//! Network interfaces, through AF_XDP sockets: for a mirror or splitter port, whose frames end in the tap.
//!
//! [`open`] loads an XDP [program] and attaches it to the interface. For each receive queue there is a
//! [`Socket`](socket), memory of its own ([`Umem`](umem)) and a [`Queue`](queue), which is the [`Source`]. The program gives each
//! frame of a queue to the queue's socket, with the time before it, and counts it as offered. Frames of a queue without a socket
//! go their ordinary way. When the process ends, in whatever way, the program goes.
//!
//! # The life of a chunk
//! The memory is cut into chunks, and each [ring] has room for all of them: none can be full. The fill ring gives chunks to the
//! kernel, which receives into them and gives them back in the receive ring. A frame is parsed where it lies ([`intake`]); with the
//! batch, its chunks go back into the fill ring. The kernel loses frames only when all chunks wait for us, and counts them.
//!
//! # What is captured
//! What the interface receives, as it came: VLAN tags stand in the frame, unless the hardware takes them out. A frame that is longer
//! than a chunk comes in several (Linux 6.6), of which the first has the headers. What the host itself sends is not seen.

mod bpf;
mod inline;
mod intake;
mod memory;
mod options;
mod outlet;
mod port;
mod program;
mod queue;
mod ring;
mod socket;
mod umem;

use std::hash::{BuildHasher, RandomState};
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::io::Errno;

use bpf::{Counters, Map, Program};
pub use inline::{detach, open as open_inline};
use intake::Intake;
pub use options::{InlineOptions, Mode, Options};
use port::{Port, detail, with_best_flags, with_best_mode};
use queue::{Attachment, Parts, Queue};
use socket::Socket;
use umem::{Cut, Umem};

use crate::af_packet::Promiscuous;
use crate::interface::watch::Watch;
use crate::interface::{self, Failed, Interface};
use crate::{Source, SourceError};

/// Attach in the network stack (`XDP_FLAGS_SKB_MODE`).
const GENERIC: u32 = 1 << 1;
/// Attach in the driver (`XDP_FLAGS_DRV_MODE`).
const NATIVE: u32 = 1 << 2;

/// Opens an interface: one source a queue. Needs `CAP_NET_RAW`, `CAP_NET_ADMIN` and `CAP_BPF`.
///
/// # Errors
/// No such interface, one that is down, has no Ethernet frames, or that the host itself depends on; no right; a kernel without
/// AF_XDP.
pub fn open(options: &Options) -> Result<Vec<Box<dyn Source>>, SourceError> {
    let name = &options.interface;
    let interface = usable(name, options.cut_off)?;
    let existing = interface::receive_queues(name);
    let wanted = options.queues.map_or(existing, u16::from);
    if wanted > existing {
        return Err(SourceError::TooFewQueues { interface: name.clone(), existing, wanted });
    }
    let queues = with_best_mode(options.mode, name, |mode| attach(options, &interface, wanted, mode))?;
    Ok(queues.into_iter().map(|queue| Box::new(queue) as Box<dyn Source>).collect())
}

/// An interface whose frames may be taken.
fn usable(name: &str, cut_off: bool) -> Result<Interface, SourceError> {
    let interface = Interface::named(name)?;
    if !matches!(interface.hardware, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK) {
        return Err(SourceError::NotEthernet { interface: name.to_owned() });
    }
    if !interface.is_up() {
        return Err(SourceError::InterfaceDown { interface: name.to_owned() });
    }
    match interface::default_route(name).filter(|_| !cut_off) {
        Some(use_of_it) => Err(SourceError::InUse { interface: name.to_owned(), use_of_it }),
        None => Ok(interface),
    }
}

/// Attaches a program in `mode`, and opens a socket for each queue.
fn attach(options: &Options, interface: &Interface, count: u16, mode: u32) -> Result<Vec<Queue>, Failed> {
    let sockets = Map::of_sockets(count)?;
    let counters = Counters::new(count)?;
    let key = random_key();
    let program = Program::load(&program::receive(&sockets, &counters, key), "conntrack_tap")?;
    let link = Some(program.attach(interface.index, mode)?);
    let queues = (0..count).map(|number| prepare(options, interface, mode, number, key));
    let queues = queues.collect::<Result<Vec<_>, Failed>>()?;
    let promiscuous = options.promiscuous.then(|| Promiscuous::new(interface.index)).transpose()?;
    for parts in &queues {
        sockets.set(parts.number.into(), parts.socket.as_fd())?;
    }
    let attachment = Attachment { interface: options.interface.clone(), sockets, counters, link, promiscuous };
    let attachment = Arc::new(attachment);
    Ok(queues.into_iter().map(|parts| Queue::new(parts, Arc::clone(&attachment))).collect())
}

/// What the stamps of a program begin with: nobody else's metadata does.
fn random_key() -> u64 {
    RandomState::new().hash_one(0)
}

/// A socket that is bound to a queue, with memory and rings, and chunks in the fill ring.
fn prepare(options: &Options, interface: &Interface, mode: u32, number: u16, key: u64) -> Result<Parts, Failed> {
    let cut = Cut::new(options.ring, interface.mtu);
    let umem = Arc::new(Umem::new(cut).map_err(|error| ("getting memory for frames", error))?);
    with_best_flags(options.mode, mode, cut.splits(interface.mtu), |flags| {
        // Anew each time: what a socket was told before a bind that failed cannot be taken back.
        let socket = Socket::open()?;
        socket.register(&umem)?;
        let port = Port::new(socket, cut, 0..cut.chunks, false)?;
        port.bind(interface.index, number, flags, None)?;
        if options.busy_poll > 0 {
            port.socket.poll_busily(options.busy_poll.cast_signed())?;
        }
        Ok(Parts {
            name: format!("afxdp:{}#{number}", options.interface),
            detail: detail(mode, &port.socket, cut, flags),
            number,
            intake: Intake::new(Arc::clone(&umem), port.received, key),
            socket: port.socket,
            fill: port.fill,
            outlet: None,
            size: cut.chunks,
            busy: options.busy_poll > 0,
            longest: interface.longest_frame(),
            watch: Watch::new(interface)?,
        })
    })
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
        ("forwarding in the driver", _) => {
            "; without the tap no frame would pass: try mode=skb, or for a veth interface 'ethtool -K PEER gro on' at its other end"
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
