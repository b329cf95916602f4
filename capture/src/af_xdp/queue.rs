//! A queue of an interface as a source.

use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wire::Nanos;

use super::bpf::{Counters, Link, Map};
use super::intake::Intake;
use super::outlet::Outlet;
use super::ring::Producer;
use super::socket::Socket;
use crate::af_packet::Promiscuous;
use crate::interface::OVER_MTU;
use crate::interface::watch::{Seen, Watch};
use crate::live::{self, Queue as _, State};
use crate::{DeviceCounters, Frame, Pace, Polled, Progress, Source, SourceError};

/// How long an idle poller sleeps at most; a frame wakes it at once.
const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// How long it sleeps where the other port has not taken all frames.
const SEND_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000 };

/// Nanoseconds from a frame's stamp until its queue shows it at the latest: the longest round of the kernel's receive loop
/// (`net.core.netdev_budget_usecs`).
const MARGIN: i64 = 2_000_000;

/// How long the kernel may take to give up a frame that it has begun to receive.
const LAST_FRAME: Duration = Duration::from_secs(1);

/// What the queues of an interface share: the program stays attached for as long as one of them lives.
#[derive(Debug)]
pub(super) struct Attachment {
    pub interface: String,
    pub sockets: Map,
    pub counters: Counters,
    #[expect(dead_code, reason = "held, so that the program stays")]
    pub link: Option<Link>,
    #[expect(dead_code, reason = "held, so that the interface stays promiscuous")]
    pub promiscuous: Option<Promiscuous>,
}

/// One queue of an interface.
pub(super) struct Queue {
    name: String,
    detail: String,
    number: u16,
    attachment: Arc<Attachment>,
    socket: Arc<Socket>,
    intake: Intake,
    fill: Producer<u64>,
    /// Where frames go after their visit; nowhere, without.
    outlet: Option<Outlet>,
    /// Entries of each ring.
    size: u32,
    busy: bool,
    /// Longest frame of the wire, and how many were longer.
    longest: u32,
    over_mtu: u64,
    watch: Watch,
    counters: DeviceCounters,
    statistics: libc::xdp_statistics,
    visited: u64,
    visited_at_reading: u64,
    state: State,
}

/// The parts of a queue that is ready to receive.
pub(super) struct Parts {
    pub name: String,
    pub detail: String,
    pub number: u16,
    pub socket: Arc<Socket>,
    pub intake: Intake,
    pub fill: Producer<u64>,
    pub outlet: Option<Outlet>,
    pub size: u32,
    pub busy: bool,
    pub longest: u32,
    pub watch: Watch,
}

impl Queue {
    pub(super) fn new(parts: Parts, attachment: Arc<Attachment>) -> Self {
        let Parts { name, detail, number, socket, intake, fill, outlet, size, busy, longest, watch } = parts;
        Self {
            name,
            detail,
            number,
            attachment,
            socket,
            intake,
            fill,
            outlet,
            size,
            busy,
            longest,
            over_mtu: 0,
            watch,
            counters: DeviceCounters::default(),
            statistics: NOTHING,
            visited: 0,
            visited_at_reading: 0,
            state: State::Open,
        }
    }

    /// Reads what the program and the socket have counted.
    fn read_statistics(&mut self) {
        // The socket's losses first: what it has lost, the program has counted before.
        if let Ok(statistics) = self.socket.statistics() {
            self.statistics = statistics;
        }
        let lost = self.statistics.rx_dropped.saturating_add(self.statistics.rx_ring_full);
        self.counters.dropped_kernel = lost;
        self.counters.offered = self.attachment.counters.read(self.number).saturating_add(self.counters.dropped_device);
        self.visited_at_reading = self.visited;
        self.intake.set_clock();
    }

    /// Frames that the program gave to the socket and that are neither visited nor known to be lost.
    fn under_way(&self) -> u64 {
        self.counters.offered.saturating_sub(self.visited).saturating_sub(self.counters.dropped())
    }

    /// Looks at the interface, and says when something is wrong with it.
    fn look(&mut self) -> Result<(), SourceError> {
        let seen = self.watch.look();
        // The hardware's losses are those of the whole interface: they stand with its first queue.
        if self.number == 0 {
            self.counters.dropped_device = self.watch.missed();
        }
        let interface = self.attachment.interface.clone();
        match seen {
            Seen::Nothing => Ok(()),
            Seen::WentDown => Err(SourceError::InterfaceWentDown { interface }),
            Seen::Gone => {
                self.state.drain(LAST_FRAME, Some(SourceError::InterfaceGone { interface }));
                Ok(())
            }
        }
    }

    /// Whether nothing waits for the other port of an inline tap.
    fn has_sent(&self) -> bool {
        self.outlet.as_ref().is_none_or(Outlet::is_done)
    }
}

/// No frame was counted yet.
const NOTHING: libc::xdp_statistics = libc::xdp_statistics {
    rx_dropped: 0,
    rx_invalid_descs: 0,
    tx_invalid_descs: 0,
    rx_ring_full: 0,
    rx_fill_ring_empty_descs: 0,
    tx_ring_empty_descs: 0,
};

impl live::Queue for Queue {
    fn state(&mut self) -> &mut State {
        &mut self.state
    }

    // They are sent on, or their chunks are given back.
    fn visit_some(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> bool {
        let Self { intake, fill, outlet, longest, over_mtu, .. } = self;
        let visit = &mut |frame: Frame<'_>| {
            *over_mtu += u64::from(frame.wire_len > *longest);
            visit(frame);
        };
        // There are as many entries in each ring as chunks: there is room for each.
        let frames = if let Some(outlet) = outlet {
            outlet.reclaim(fill);
            let frames = intake.take(visit, &mut |chunk| outlet.put(chunk));
            outlet.send();
            frames
        } else {
            let frames = intake.take(visit, &mut |chunk| _ = fill.put(chunk.addr));
            fill.publish();
            frames
        };
        self.visited += frames;
        if frames > 0 && self.fill.needs_wakeup() {
            self.socket.wake_receiver();
        }
        frames > 0
    }

    fn is_drained(&mut self) -> bool {
        self.read_statistics();
        self.under_way() == 0 && self.has_sent() || self.state.is_overdue()
    }

    fn conclude(&mut self) {
        // What has not come by now does not come: whatever the socket's own counters say, the kernel has lost it.
        self.counters.dropped_kernel += self.under_way();
    }

    fn wait(&mut self) -> Result<(), SourceError> {
        self.look()?;
        if self.busy {
            self.socket.wake_receiver();
            return Ok(());
        }
        // Frames that the other port has not taken yet have to be offered again soon.
        let wait = if self.has_sent() { &WAIT } else { &SEND_AGAIN };
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        // An interruption or a failure is like a pause without frames; an interface that is gone shows in the next look.
        let _ = poll(&mut fds, Some(wait));
        Ok(())
    }

    fn past(&self, now: Nanos) -> Option<Nanos> {
        Some(now.plus(-MARGIN))
    }
}

impl Source for Queue {
    fn poll(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError> {
        self.ask(visit)
    }

    fn device(&mut self) -> DeviceCounters {
        // Drops begin when the ring is full. Read at least once while a full ring is visited, they are known before the frames
        // that followed them.
        let is_due = self.intake.is_empty() || self.visited - self.visited_at_reading >= u64::from(self.size / 2);
        if is_due && !self.state.has_ended() {
            self.read_statistics();
        }
        self.counters
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn stop(&mut self) {
        // Where the socket cannot be taken out of the map, frames go on coming in, and the end comes at the deadline all the same.
        let _ = self.attachment.sockets.remove(self.number.into());
        self.state.drain(LAST_FRAME, None);
    }

    fn pace(&self) -> Pace {
        Pace::Live
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn detail(&self) -> String {
        self.detail.clone()
    }

    fn statistics(&self) -> Vec<(&'static str, u64)> {
        let counted = self.statistics;
        let mut named = vec![
            ("rx_dropped", counted.rx_dropped),
            ("rx_ring_full", counted.rx_ring_full),
            ("rx_fill_ring_empty_descs", counted.rx_fill_ring_empty_descs),
            ("rx_invalid_descs", counted.rx_invalid_descs),
            (OVER_MTU, self.over_mtu),
        ];
        if let Some(outlet) = &self.outlet {
            named.extend([("tx_invalid_descs", counted.tx_invalid_descs), ("tx_completed_descs", outlet.completed())]);
        }
        named
    }
}
