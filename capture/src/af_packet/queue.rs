//! A ring as a source.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use wire::{LinkType, Nanos};

use super::Options;
use super::ring::{Ring, RingFrame};
use super::socket::Socket;
use crate::interface::Failed;
use crate::interface::OVER_MTU;
use crate::interface::watch::Watch;
use crate::live::{self, Queue as _, State};
use crate::{DeviceCounters, Frame, Pace, Polled, Progress, Source, SourceError};

/// How long an idle poller sleeps at most; a block that is handed over wakes it at once.
const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// How much later than its timeout a block may be handed over: a tick of the slowest kernel clock, 100 Hz. Since Linux 6.18 the
/// timeout is exact.
const TICK: Duration = Duration::from_millis(10);

/// The counters of the kernel have 32 bits: they are read before they can wrap, however long the ring is never empty.
const UNREAD_FRAMES: u64 = 1 << 30;

const ETHERNET: u32 = 1;
const RAW_IP: u32 = 101;
const IEEE802_11: u32 = 105;
const RADIOTAP: u32 = 127;

/// One queue of an interface.
pub(super) struct Queue {
    name: String,
    interface: String,
    index: u32,
    watch: Option<Watch>,
    socket: Socket,
    ring: Ring,
    link: LinkType,
    /// Frames are taken from the network header on: the interface has no link header, or none that a capture would tell.
    strip_link: bool,
    /// A frame that was captured this long ago is in a block that was handed over.
    margin: Duration,
    /// Longest frame of the wire, and how many were longer.
    longest: u32,
    over_mtu: u64,
    counters: DeviceCounters,
    visited: u64,
    visited_at_reading: u64,
    state: State,
}

/// What a queue has to know of its interface.
pub(super) struct Device {
    pub index: u32,
    pub hardware: u16,
    pub longest: u32,
    /// Of the queue that stands for the whole interface.
    pub watch: Option<Watch>,
}

impl Queue {
    pub(super) fn new(name: String, options: &Options, socket: Socket, ring: Ring, device: Device) -> Self {
        let Device { index, hardware, longest, watch } = device;
        let (link, strip_link) = link_type(hardware);
        // A block's timer may run twice over it: once because the block is younger than the timer's period.
        let margin = Duration::from_millis(u64::from(options.timeout)) * 2 + TICK;
        Self {
            name,
            interface: options.interface.clone(),
            index,
            watch,
            socket,
            ring,
            link: LinkType::from_number(link),
            strip_link,
            margin,
            longest,
            over_mtu: 0,
            counters: DeviceCounters::default(),
            visited: 0,
            visited_at_reading: 0,
            state: State::Open,
        }
    }

    /// Lets frames in.
    pub(super) fn start(&self) -> Result<(), Failed> {
        self.socket.listen()
    }

    /// Adds what the kernel has counted since the last time.
    fn read_statistics(&mut self) {
        if let Ok(new) = self.socket.statistics() {
            self.counters.offered += u64::from(new.frames);
            self.counters.dropped_kernel += u64::from(new.drops);
            self.visited_at_reading = self.visited;
        }
        if let Some(watch) = &mut self.watch {
            // Whether it is up or gone, the socket says sooner.
            let _ = watch.look();
            let new = watch.missed().saturating_sub(self.counters.dropped_device);
            self.counters.dropped_device += new;
            self.counters.offered += new;
        }
    }
}

/// The link type of a hardware type (`ARPHRD_*`), and whether frames are taken from the network header on.
///
/// Tunnels and point-to-point interfaces have no header of their own or, as PPP, one that Linux shows on one way only.
const fn link_type(hardware: u16) -> (u32, bool) {
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => (ETHERNET, false),
        libc::ARPHRD_IEEE80211 => (IEEE802_11, false),
        libc::ARPHRD_IEEE80211_RADIOTAP => (RADIOTAP, false),
        _ => (RAW_IP, true),
    }
}

fn convert<'a>(frame: &RingFrame<'a>, link: LinkType, strip_link: bool) -> Frame<'a> {
    let header = if strip_link { frame.header.min(frame.bytes.len()) } else { 0 };
    let bytes = frame.bytes.get(header..).unwrap_or_default();
    let wire_len = frame.len.saturating_sub(header as u32).max(bytes.len() as u32);
    Frame { ts: frame.ts, link, bytes, wire_len, vlan: frame.vlan }
}

impl live::Queue for Queue {
    fn state(&mut self) -> &mut State {
        &mut self.state
    }

    fn visit_some(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> bool {
        let Some(block) = self.ring.current() else { return false };
        let (link, strip_link) = (self.link, self.strip_link);
        for frame in block.frames() {
            self.visited += 1;
            self.over_mtu += u64::from(frame.len > self.longest);
            visit(convert(&frame, link, strip_link));
        }
        self.ring.release();
        true
    }

    fn is_drained(&mut self) -> bool {
        self.read_statistics();
        self.counters.offered == self.visited + self.counters.dropped() || self.state.is_overdue()
    }

    fn wait(&mut self) -> Result<(), SourceError> {
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN | PollFlags::ERR)];
        // An interruption or a failure is like a pause without frames.
        let _ = poll(&mut fds, Some(&WAIT));
        if !fds[0].revents().contains(PollFlags::ERR) || self.socket.error() != Err(Errno::NETDOWN) {
            return Ok(());
        }
        let interface = self.interface.clone();
        if self.socket.interface_exists(self.index) {
            return Err(SourceError::InterfaceWentDown { interface });
        }
        self.state.drain(self.margin, Some(SourceError::InterfaceGone { interface }));
        Ok(())
    }

    fn past(&self, now: Nanos) -> Option<Nanos> {
        Some(now.plus(-(self.margin.as_nanos() as i64)))
    }
}

impl Source for Queue {
    fn poll(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError> {
        self.ask(visit)
    }

    fn device(&mut self) -> DeviceCounters {
        // A block that waits without the mark of loss was filled before any drop that the kernel may have counted since: that
        // drop is asked for when the block is done, so that it lies before the frames that come next.
        let is_due = self.ring.current().is_none_or(|block| block.is_losing());
        if !self.state.has_ended() && (is_due || self.visited - self.visited_at_reading > UNREAD_FRAMES) {
            self.read_statistics();
        }
        self.counters
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn stop(&mut self) {
        // Where the filter cannot be attached, frames go on coming in, and the end comes at the deadline all the same.
        let _ = self.socket.stop_listening();
        self.state.drain(self.margin, None);
    }

    fn pace(&self) -> Pace {
        Pace::Live
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn statistics(&self) -> Vec<(&'static str, u64)> {
        vec![(OVER_MTU, self.over_mtu)]
    }
}
