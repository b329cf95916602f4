//! A queue of a port as a source.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::thread::nanosleep;
use rustix::time::Timespec;
use wire::{LinkType, Nanos};

use super::Options;
use super::port::Port;
use super::shim::{Burst, Counts};
use crate::interface::clock::{instant, utc};
use crate::live::{self, Queue as _, State};
use crate::{DeviceCounters, Frame, Pace, Polled, Progress, Source, SourceError};

/// Bursts without a frame before a poller takes a nap.
const EMPTY_BURSTS: u32 = 64;

/// The nap: with the kernel's own delay of some 50 µs it is shorter than the descriptors of a card last at 10 Gbit/s of the shortest
/// frames, and an idle poller leaves its processor to others.
const NAP: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000 };

/// How long the device may take for the last frames that it has counted.
const LAST_FRAME: Duration = Duration::from_secs(1);

/// How often the port is asked for its counts while nothing comes: a card answers in microseconds, too long for each nap.
const COUNT_EVERY: Duration = Duration::from_millis(10);

/// How often the port is asked for its link.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const ETHERNET: u32 = 1;
const MICROSECOND: i64 = 1000;

/// One queue of a port.
pub(super) struct Queue {
    name: String,
    device: String,
    port: Arc<Port>,
    number: u16,
    burst: Burst,
    is_file: bool,
    counters: DeviceCounters,
    counts: Counts,
    visited: u64,
    visited_at_counting: u64,
    counted: Instant,
    looked: Instant,
    has_link: bool,
    state: State,
}

impl Queue {
    pub(super) fn new(options: &Options, port: &Arc<Port>, number: u16) -> Self {
        let now = instant();
        Self {
            name: format!("dpdk:{}#{number}", options.name()),
            device: options.name().to_owned(),
            port: Arc::clone(port),
            number,
            burst: Burst::new(),
            is_file: options.is_file(),
            counters: DeviceCounters::default(),
            counts: Counts::default(),
            visited: 0,
            visited_at_counting: 0,
            counted: now,
            looked: now,
            has_link: port.device.has_link(),
            state: State::Open,
        }
    }

    /// Visits a burst of frames, if some are there.
    fn visit_burst(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> bool {
        let link = LinkType::from_number(ETHERNET);
        let (is_file, mut now) = (self.is_file, None);
        let count = self.burst.take(&self.port.device, self.number, &mut |frame| {
            let ts = match frame.stamp.filter(|_| is_file) {
                Some(micros) => Nanos(i64::try_from(micros).unwrap_or(i64::MAX).saturating_mul(MICROSECOND)),
                None => *now.get_or_insert_with(utc),
            };
            let wire_len = frame.len.max(frame.bytes.len() as u32);
            visit(Frame { ts, link, bytes: frame.bytes, wire_len, vlan: frame.vlan });
        });
        self.visited += u64::from(count);
        count > 0
    }

    /// Reads what the port has counted.
    fn read_counts(&mut self) {
        let Some(counts) = self.port.counts(self.number) else { return };
        self.counts = counts;
        // What the device loses is known of the whole port: the first queue's ledger has it.
        if self.number == 0 {
            self.counters.dropped_device = counts.missed.saturating_add(counts.errors);
        }
        let given = self.port.received(&counts).unwrap_or(self.visited).max(self.visited);
        self.counters.offered = given.saturating_add(self.counters.dropped());
        self.visited_at_counting = self.visited;
        self.counted = instant();
    }

    /// Frames that the device has counted and that are neither visited nor lost.
    const fn under_way(&self) -> u64 {
        self.counters.offered.saturating_sub(self.visited).saturating_sub(self.counters.dropped())
    }

    /// Looks at the link now and then, and says when it is gone.
    fn look(&mut self) -> Result<(), SourceError> {
        if instant().duration_since(self.looked) < LOOK_EVERY {
            return Ok(());
        }
        self.looked = instant();
        let had_link = std::mem::replace(&mut self.has_link, self.port.device.has_link());
        if had_link && !self.has_link {
            return Err(SourceError::InterfaceWentDown { interface: self.device.clone() });
        }
        Ok(())
    }
}

impl live::Queue for Queue {
    fn state(&mut self) -> &mut State {
        &mut self.state
    }

    fn visit_some(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> bool {
        // A port cannot be asked to take in no more: what comes after it was asked to end is left there.
        if self.state.is_draining() && self.under_way() == 0 {
            return false;
        }
        (0..EMPTY_BURSTS).any(|_| {
            std::hint::spin_loop();
            self.visit_burst(visit)
        })
    }

    fn is_drained(&mut self) -> bool {
        self.under_way() == 0 || self.state.is_overdue()
    }

    fn conclude(&mut self) {
        // What has not come by now does not come; what came after the end was asked for is counted as far as it was visited.
        self.counters.dropped_device += self.under_way();
        self.counters.offered = self.visited.saturating_add(self.counters.dropped());
    }

    fn wait(&mut self) -> Result<(), SourceError> {
        if self.is_file {
            // It has shown all that it has.
            self.stop();
            return Ok(());
        }
        self.look()?;
        // An interruption only makes it shorter.
        let _ = nanosleep(&NAP);
        Ok(())
    }

    fn past(&self, now: Nanos) -> Option<Nanos> {
        // A frame that the burst does not show is stamped when one does, later.
        (!self.is_file).then_some(now)
    }
}

impl Source for Queue {
    fn poll(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError> {
        self.port.device.enter_thread();
        self.ask(visit)
    }

    fn device(&mut self) -> DeviceCounters {
        // Drops begin when no descriptor is free: counted at least twice while all are visited, they are known before what followed them.
        let is_due = self.visited - self.visited_at_counting >= u64::from(self.port.setup.descriptors / 2)
            || self.visited == self.visited_at_counting && instant().duration_since(self.counted) > COUNT_EVERY;
        if is_due && matches!(self.state, State::Open) {
            self.read_counts();
        }
        self.counters
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn stop(&mut self) {
        if matches!(self.state, State::Open) {
            self.read_counts();
            self.state.drain(LAST_FRAME, None);
        }
    }

    fn pace(&self) -> Pace {
        if self.is_file { Pace::Patient } else { Pace::Live }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn detail(&self) -> String {
        self.port.detail()
    }

    fn statistics(&self) -> Vec<(&'static str, u64)> {
        let Counts { received, missed, errors, no_buffer, .. } = self.counts;
        vec![("ipackets", received), ("imissed", missed), ("ierrors", errors), ("rx_nombuf", no_buffer)]
    }
}
