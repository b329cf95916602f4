//! A bump in the wire: every frame that comes in at one port goes out of the other, and is seen on the way.
//!
//! Both ports share their memory, queue by queue. A direction is a [`Queue`] with an [`Outlet`](super::outlet): it receives at one port,
//! parses frames where they lie, puts the same chunks into the other port's transmit ring, and gives them back to its own fill ring
//! when they are sent. What the frames are does not matter: nothing is read of them but headers, and nothing is written.
//!
//! # Fails to wire
//! The program of a port that finds no socket for a queue redirects the frame to the other port, in the kernel. It is attached by netlink,
//! not by a link of the process: it stays when the process ends, in whatever way, and so does the ports' promiscuous mode. The kernel takes
//! the sockets of a process that is gone out of the map. A process that comes puts a program of its own in the place of the old one, in one
//! step, and then its sockets into the map: at no moment is there no way on. [`detach`] takes the program off.
//!
//! In the driver, that takes a driver that sends what is redirected to it; a veth interface does only while its other end has GRO on or a
//! program of its own. Where the kernel says that a port does not, the program runs in the network stack, which sends everything.

use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::io::Errno;

use super::bpf::{Counters, Map, Program};
use super::intake::Intake;
use super::options::{InlineOptions, Mode};
use super::outlet::Outlet;
use super::port::{Port, detail, with_best_flags, with_best_mode};
use super::queue::{Attachment, Parts, Queue};
use super::socket::Socket;
use super::umem::{Cut, Umem};
use super::{GENERIC, NATIVE, explain, program, random_key, usable};
use crate::interface::netlink::Netlink;
use crate::interface::watch::Watch;
use crate::interface::{self, Failed, Interface, XdpFeatures};
use crate::{Source, SourceError};

/// Longest packet that fits into one page with what XDP puts before it and the kernel behind it, on every driver.
const ONE_PAGE: u32 = 3400;

/// Name of the program that forwards: it tells our own from others.
const PROGRAM: &str = "conntrack_wire";

/// Opens two ports: a source for each direction of each queue. Needs `CAP_NET_RAW`, `CAP_NET_ADMIN`, `CAP_BPF` and, to take over from a
/// process before it, `CAP_SYS_ADMIN`.
///
/// # Errors
/// As of [`super::open`], and two ports with different numbers of queues.
pub fn open(options: &InlineOptions) -> Result<Vec<Box<dyn Source>>, SourceError> {
    let names = [&options.first.interface, &options.second];
    let first = usable(names[0], options.first.cut_off)?;
    let second = usable(names[1], options.first.cut_off)?;
    let [queues, others] = names.map(|name| interface::receive_queues(name));
    if queues != others {
        return Err(SourceError::UnequalQueues { interfaces: names.map(Clone::clone), queues: [queues, others] });
    }
    let both = format!("{},{}", names[0], names[1]);
    // Another mode than that of the tap before would leave the ports without a program for a moment.
    let before = attached(&first).map_err(|failed| explain(names[0], failed))?;
    let wanted = match options.first.mode {
        Mode::Auto if before.is_some() && first.is_generic => Mode::Generic,
        wanted => wanted,
    };
    let directions =
        with_best_mode(wanted, &both, |mode| Wire::attach(options, [first, second], queues, mode)?.open(options))?;
    Ok(directions.into_iter().map(|queue| Box::new(queue) as Box<dyn Source>).collect())
}

/// Takes the forwarding program off an interface, and its promiscuous mode with it. False where it was not attached.
///
/// # Errors
/// No such interface, or no right.
pub fn detach(interface: &str) -> Result<bool, SourceError> {
    let found = Interface::named(interface)?;
    let detached = attached(&found).and_then(|program| match program {
        Some(program) => take_off(&Netlink::open()?, &found, &program).map(|()| true),
        None => Ok(false),
    });
    match detached {
        // Somebody else's program is not ours to take off.
        Err((_, Errno::BUSY)) => Ok(false),
        detached => detached.map_err(|failed| explain(interface, failed)),
    }
}

fn take_off(netlink: &Netlink, interface: &Interface, program: &Program) -> Result<(), Failed> {
    let mode = if interface.is_generic { GENERIC } else { NATIVE };
    let detached = netlink.attach(interface.index, None, Some(program.as_fd()), mode);
    detached.map_err(|error| ("detaching the XDP program", error))?;
    set_promiscuous(netlink, interface, false)
}

fn set_promiscuous(netlink: &Netlink, interface: &Interface, on: bool) -> Result<(), Failed> {
    let flag = libc::IFF_PROMISC as u32;
    let set = netlink.set_flags(interface.index, if on { flag } else { 0 }, flag);
    set.map_err(|error| ("switching promiscuous mode", error))
}

/// Our program on an interface, if it is there.
fn attached(interface: &Interface) -> Result<Option<Program>, Failed> {
    if interface.program == 0 {
        return Ok(None);
    }
    let program = Program::numbered(interface.program)?;
    if program.is_called(PROGRAM) { Ok(Some(program)) } else { Err(("attaching the XDP program", Errno::BUSY)) }
}

/// Puts a program in the place of the one that is there, or of none.
fn put_on(netlink: &Netlink, interface: &Interface, program: &Program, mode: u32) -> Result<(), Failed> {
    let interface = &netlink.interface_numbered(interface.index)?;
    let mut before = attached(interface)?;
    if before.is_some() && interface.is_generic != (mode == GENERIC) {
        // Programs in the driver and in the network stack do not take turns.
        before.take().map_or(Ok(()), |before| take_off(netlink, interface, &before))?;
    }
    let expected = before.as_ref().map(AsFd::as_fd);
    let attached = netlink.attach(interface.index, Some(program.as_fd()), expected, mode);
    attached.map_err(|error| ("attaching the XDP program", error))?;
    set_promiscuous(netlink, interface, true)
}

/// Two ports with a program on each.
struct Wire {
    ports: [Interface; 2],
    queues: u16,
    mode: u32,
    key: u64,
    maps: [(Map, Counters); 2],
}

impl Wire {
    /// Attaches a program to each port, which forwards as long as there are no sockets.
    fn attach(options: &InlineOptions, ports: [Interface; 2], queues: u16, mode: u32) -> Result<Self, Failed> {
        let netlink = Netlink::open()?;
        let key = random_key();
        let side = |other: &Interface| -> Result<_, Failed> {
            let (sockets, counters) = (Map::of_sockets(queues)?, Counters::new(queues)?);
            let way_on = Map::of_port(other.index)?;
            let program = Program::load(&program::forward(&sockets, &counters, &way_on, key), PROGRAM)?;
            Ok(((sockets, counters), program))
        };
        let ((first, program), (second, other_program)) = (side(&ports[1])?, side(&ports[0])?);
        put_on(&netlink, &ports[0], &program, mode)?;
        if let Err(failed) = put_on(&netlink, &ports[1], &other_program, mode) {
            // A wire with one end leads nowhere: as before, if there was nothing before.
            if ports[0].program == 0 {
                let _ = detach(&options.first.interface);
            }
            return Err(failed);
        }
        let wire = Self { ports, queues, mode, key, maps: [first, second] };
        if mode == NATIVE && !wire.fails_to_wire() {
            wire.undo(options);
            return Err(("forwarding in the driver", Errno::OPNOTSUPP));
        }
        Ok(wire)
    }

    /// Whether the driver of each port sends what the other's redirects to it, as far as the kernel tells. Without that, what the tap
    /// forwards while it lives would stop with it.
    fn fails_to_wire(&self) -> bool {
        self.ports
            .iter()
            .all(|port| XdpFeatures::of(port).is_none_or(|features| features.takes_redirected(port.mtu > ONE_PAGE)))
    }

    /// Takes the programs off where none of ours were before.
    fn undo(&self, options: &InlineOptions) {
        for (port, name) in self.ports.iter().zip([&options.first.interface, &options.second]) {
            if port.program == 0 {
                let _ = detach(name);
            }
        }
    }

    /// Opens the sockets of all queues, and gives them the frames.
    fn open(self, options: &InlineOptions) -> Result<Vec<Queue>, Failed> {
        let pairs = (0..self.queues).map(|number| self.pair(options, number));
        let pairs = pairs.collect::<Result<Vec<_>, Failed>>().inspect_err(|_| self.undo(options))?;
        let [first, second] = self.maps;
        let attachment = |name: &str, (sockets, counters): (Map, Counters)| {
            Arc::new(Attachment { interface: name.to_owned(), sockets, counters, link: None, promiscuous: None })
        };
        let there = attachment(&options.first.interface, first);
        let back = attachment(&options.second, second);
        let mut queues = Vec::new();
        for parts in pairs {
            for (parts, attachment) in parts.into_iter().zip([&there, &back]) {
                attachment.sockets.set(parts.number.into(), parts.socket.as_fd())?;
                queues.push(Queue::new(parts, Arc::clone(attachment)));
            }
        }
        Ok(queues)
    }

    /// A queue of both ports: the way there, and the way back.
    fn pair(&self, options: &InlineOptions, number: u16) -> Result<[Parts; 2], Failed> {
        let mtu = self.ports[0].mtu.max(self.ports[1].mtu);
        let cut = Cut::new(options.first.ring, mtu);
        let half = cut.chunks / 2;
        let umem = Arc::new(Umem::new(cut).map_err(|error| ("getting memory for frames", error))?);
        with_best_flags(options.first.mode, self.mode, cut.splits(mtu), |flags| {
            let socket = Socket::open()?;
            socket.register(&umem)?;
            let mut there = Port::new(socket, cut, 0..half, true)?;
            let mut back = Port::new(Socket::open()?, cut, half..cut.chunks, true)?;
            there.bind(self.ports[0].index, number, flags, None)?;
            back.bind(self.ports[1].index, number, libc::XDP_SHARED_UMEM, Some(&there))?;
            let how = detail(self.mode, &there.socket, cut, flags);
            let parts = |port: Port,
                         outlet: Option<Outlet>,
                         watched: &Interface,
                         [from, to]: [&str; 2]|
             -> Result<Parts, Failed> {
                Ok(Parts {
                    name: format!("afxdp-inline:{from}#{number}"),
                    detail: format!("forwards to {to}, {how}"),
                    number,
                    intake: Intake::new(Arc::clone(&umem), port.received, self.key),
                    socket: port.socket,
                    fill: port.fill,
                    outlet,
                    size: half,
                    busy: false,
                    longest: watched.longest_frame(),
                    watch: Watch::new(watched)?,
                })
            };
            // What comes in at one port goes out of the other.
            let (way_there, way_back) = (Outlet::of(&mut back), Outlet::of(&mut there));
            let [first, second] = [options.first.interface.as_str(), options.second.as_str()];
            let there = parts(there, way_there, &self.ports[0], [first, second])?;
            Ok([there, parts(back, way_back, &self.ports[1], [second, first])?])
        })
    }
}
