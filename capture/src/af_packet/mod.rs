//! Network interfaces, through `TPACKET_V3` rings of an `AF_PACKET` socket.
//!
//! [`open`] makes a [`Socket`](socket) a queue, joined into a fanout group by the kernel's symmetric flow hash, so that both
//! directions of a flow come to one queue. Each socket has a [`Ring`](ring) of blocks, shared with the kernel, and a
//! [`Queue`](queue) is the [`Source`] that walks through them. Nothing of this blocks for longer than some milliseconds.
//!
//! # The life of a block
//! The kernel fills a block with frames and hands it over (`TP_STATUS_USER`) when the next frame does not fit, or at its
//! timeout. From then on it does not touch the block, until we give it back (`TP_STATUS_KERNEL`). When every block is ours, the
//! kernel drops frames and counts them; the first block it closes afterwards bears the mark `TP_STATUS_LOSING`.
//!
//! # What is captured
//! Everything that the interface receives or sends. On a loopback interface each frame would be seen twice, once on its way
//! out and once on its way in, so that there the way out is left out (`PACKET_IGNORE_OUTGOING`). Frames that the kernel
//! or the hardware has put together (GRO, LRO), or not yet cut apart (TSO), are taken as they are; their length counts. The
//! outermost VLAN tag, which the kernel takes out of the frame, comes with [`crate::Frame::vlan`].

mod options;
mod queue;
mod ring;
mod socket;

use rustix::io::Errno;

pub use options::Options;
use queue::{Device, Queue};
use ring::Ring;
use socket::Socket;

use crate::interface::watch::Watch;
use crate::interface::{self, Failed, Interface};
use crate::{Source, SourceError};

/// Opens an interface: one source a queue. Needs `CAP_NET_RAW`.
///
/// # Errors
/// No such interface, an interface that is down, or no right to capture from it.
pub fn open(options: &Options) -> Result<Vec<Box<dyn Source>>, SourceError> {
    let explain = |failed| explain(&options.interface, failed);
    let interface = Interface::named(&options.interface)?;
    let index = interface.index;
    // What the hardware loses is known of the whole interface: the first queue's ledger has it.
    let mut watch = Some(Watch::new(&interface).map_err(explain)?);
    let mut queues = Vec::new();
    let mut group = None;
    for number in 0..options.queues.get() {
        let socket = Socket::open().map_err(explain)?;
        // Deaf until the whole group stands: otherwise the first sockets would each take all frames for a moment.
        socket.stop_listening().map_err(explain)?;
        let ring = Ring::new(&socket, options.ring, options.timeout).map_err(explain)?;
        let hardware = socket.bind(index).map_err(explain)?;
        if options.promiscuous {
            socket.be_promiscuous(index).map_err(explain)?;
        }
        if options.queues.get() > 1 {
            group = Some(socket.join_fanout(group).map_err(explain)?);
        }
        let device = Device { index, hardware, longest: interface.longest_frame(), watch: watch.take() };
        queues.push(Queue::new(name(options, number), options, socket, ring, device));
    }
    for queue in &queues {
        queue.start().map_err(explain)?;
    }
    Ok(queues.into_iter().map(|queue| Box::new(queue) as Box<dyn Source>).collect())
}

/// Keeps an interface taking frames for other hosts too, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Promiscuous(#[expect(dead_code, reason = "held open, so that the membership stays")] Socket);

impl Promiscuous {
    pub(crate) fn new(interface: u32) -> Result<Self, Failed> {
        let socket = Socket::open()?;
        socket.be_promiscuous(interface)?;
        Ok(Self(socket))
    }
}

fn name(options: &Options, number: u16) -> String {
    let interface = &options.interface;
    if options.queues.get() == 1 { format!("afpacket:{interface}") } else { format!("afpacket:{interface}#{number}") }
}

/// What the user has to know and do.
fn explain(interface: &str, (action, error): Failed) -> SourceError {
    match error {
        Errno::PERM | Errno::ACCESS => {
            SourceError::NotPermitted { interface: interface.to_owned(), capabilities: "cap_net_raw" }
        }
        Errno::NOMEM => interface::explain(interface, (action, error), "; ask for a smaller ring, such as ring=16M"),
        _ => interface::explain(interface, (action, error), ""),
    }
}
