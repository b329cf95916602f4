//! The thread beside a source: it turns frames into observations and hands them to the shards.

use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_utils::sync::Parker;
use wire::{Interval, Nanos};

use crate::rings::Lane;
use crate::steering::Steering;
use crate::{Config, DeviceCounters, Gauge, Polled, PollerCounters, Progress, Snapshot, Source, SourceError};

/// Damaged files that are remembered one by one; beyond that they are only counted.
const PROBLEMS_KEPT: usize = 1000;

/// A source and its lanes to the shards.
pub struct Poller {
    source: Box<dyn Source>,
    steering: Steering,
    gauge: Gauge,
    problems: Vec<SourceError>,
    more_problems: u64,
    /// The source was told to end.
    stopping: bool,
    /// It has.
    has_ended: bool,
}

/// What a poller has to say of the base series, while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesNews {
    /// What a bin held of other traffic than TCP, in addition to all that was said of it before.
    Part(Interval),
    /// No part of a bin before this instant follows, except for frames that come late.
    Past(Nanos),
}

/// What a poller has to say when its source has ended.
#[derive(Debug)]
pub struct PollerReport {
    /// Name of the source.
    pub name: String,
    /// What became of the frames.
    pub counters: PollerCounters,
    /// What the device counted.
    pub device: DeviceCounters,
    /// What it counted beside that, by name.
    pub statistics: Vec<(&'static str, u64)>,
    /// How far it came.
    pub progress: Progress,
    /// What had to be left out, and why. Empty: nothing.
    pub problems: Vec<SourceError>,
    /// Problems beyond those that are listed.
    pub more_problems: u64,
}

impl Poller {
    pub(crate) fn new(source: Box<dyn Source>, lanes: Vec<Lane>, room: Parker, config: &Config) -> Self {
        let steering = Steering::new(lanes, source.pace(), room, config);
        Self {
            source,
            steering,
            gauge: Gauge::default(),
            problems: Vec::new(),
            more_problems: 0,
            stopping: false,
            has_ended: false,
        }
    }

    /// The window for other threads.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }

    /// Name of the source.
    #[must_use]
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// Works until the source ends, or until `stop` is set and what the source holds is handed over. Afterwards the lanes are
    /// closed: the shards come to an end by themselves. `tell` hears the poller's parts of the base series when a bin closes, and how
    /// far it has come after every poll.
    #[must_use]
    pub fn run(mut self, stop: &AtomicBool, tell: &mut dyn FnMut(SeriesNews)) -> PollerReport {
        while self.step(stop, tell) {
            if self.has_ended {
                self.steering.give_way();
            }
        }
        self.finish(tell)
    }

    /// Polls the source once, or, after its end, hands over what the rings have room for; false when nothing is left, and
    /// [`Poller::finish`] is due. It waits for room only where a patient source's frame finds none.
    #[must_use]
    pub fn step(&mut self, stop: &AtomicBool, tell: &mut dyn FnMut(SeriesNews)) -> bool {
        if self.has_ended {
            self.steering.hand_over();
            return self.steering.has_gathered();
        }
        if !self.stopping && stop.load(Ordering::Relaxed) {
            self.source.stop();
            self.stopping = true;
        }
        let device = self.source.device();
        self.steering.note_loss(&device);
        let steering = &mut self.steering;
        match self.source.poll(&mut |frame| steering.take(frame)) {
            Ok(Polled::Frames) => {}
            Ok(Polled::Idle { past }) => self.steering.pass_time(past),
            Ok(Polled::End) => {
                self.steering.end();
                self.has_ended = true;
            }
            Err(problem) if self.problems.len() < PROBLEMS_KEPT => self.problems.push(problem),
            Err(_) => self.more_problems += 1,
        }
        self.steering.hand_over();
        self.steering.bins.drain(false, &mut |part| tell(SeriesNews::Part(part)));
        tell(SeriesNews::Past(self.steering.clock()));
        let progress = self.source.progress();
        self.gauge.update(|snapshot| write(snapshot, &self.steering.counters, device, progress));
        !self.has_ended || self.steering.has_gathered()
    }

    /// Closes the lanes, and says what came of it all. What was not handed over is lost.
    #[must_use]
    pub fn finish(mut self, tell: &mut dyn FnMut(SeriesNews)) -> PollerReport {
        let (device, progress) = (self.source.device(), self.source.progress());
        self.steering.note_loss(&device);
        self.steering.close();
        self.steering.bins.drain(true, &mut |part| tell(SeriesNews::Part(part)));
        let counters = self.steering.counters.clone();
        self.gauge.update_at_last(|snapshot| {
            write(snapshot, &counters, device, progress);
            snapshot.ended = true;
        });
        PollerReport {
            name: self.source.name().to_owned(),
            counters,
            device,
            statistics: self.source.statistics(),
            progress,
            problems: self.problems,
            more_problems: self.more_problems,
        }
    }
}

fn write(snapshot: &mut Snapshot, counters: &PollerCounters, device: DeviceCounters, progress: Progress) {
    snapshot.counters.clone_from(counters);
    snapshot.device = device;
    snapshot.progress = progress;
}
