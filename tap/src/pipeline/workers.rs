//! The workers of a pipeline: what each of its threads does, cut into steps that wait for nobody.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use capture::{Gauge, Inbox, Pace, Poller, PollerReport, Received, Run};
use conntrack::{Anomaly, Shard, Sink, Straggler};
use crossbeam_channel::{Sender, bounded};
use recorder::Block;

use super::outlet::Outlet;
use super::pulse::{Pulse, Pulses};
use super::scribe::{Line, Queue, Scribe};
use super::{BLOCKS, Parts, Tracked};
use crate::anonymise::Anonymiser;
use crate::anonymise::prefix::PrefixCipher;
use crate::checkpoint::{Keeper, Saver};
use crate::clock;

/// Everybody who works in a pipeline. [`super::Running`] gives each a thread. Whoever lets them take turns in one thread has to keep
/// the queues from filling up: a patient worker waits for room.
pub struct Workers {
    /// One a source, in their order.
    pub pollers: Vec<PollerWorker>,
    /// One a shard.
    pub shards: Vec<ShardWorker>,
    /// Who writes.
    pub scribe: Scribe,
    /// Who keeps what the shards remember for another run, if anybody is to.
    pub keeper: Option<Keeper>,
    /// The pollers' figures, in their order.
    pub gauges: Vec<Gauge>,
    /// The shards' figures.
    pub tallies: Tallies,
    /// Everybody's signs of life.
    pub pulses: Pulses,
    /// The scribe's ear and mouth.
    pub line: Line,
}

impl Workers {
    /// The workers, before their first step. Setting `stop` ends the sources, and with them everything else in order.
    #[must_use]
    pub fn new(parts: Parts, stop: Arc<AtomicBool>) -> Self {
        let shards = u32::try_from(parts.shards.len()).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let queues = capture::Pipeline::new(parts.sources, shards, &parts.capture);
        let (saver, keeper) = parts.keeping.unzip();
        let mut outlets = Outlets::new(parts.pace, parts.mask);
        let gauges: Vec<Gauge> = queues.pollers.iter().map(Poller::gauge).collect();
        let mut pulses = Pulses::default();
        let sources = queues.pollers.iter().map(|poller| (poller.name().to_owned(), poller.gauge())).collect();
        let tallies: Vec<Arc<Tally>> = queues.inboxes.iter().map(|_| Arc::default()).collect();
        let shard = |((inbox, tally), shard): ((Inbox, &Arc<Tally>), Shard)| ShardWorker {
            inbox,
            shard,
            resumes: parts.resumes,
            saver: saver.clone(),
            outlet: outlets.open(),
            tally: Arc::clone(tally),
            pulse: pulses.of("a shard".to_owned(), None),
        };
        let shards = queues.inboxes.into_iter().zip(&tallies).zip(parts.shards).map(shard).collect();
        // The keeper waits until every saver is gone.
        drop(saver);
        let poller = |poller: Poller| PollerWorker {
            pulse: pulses.of(format!("the poller of {}", poller.name()), Some(poller.gauge())),
            poller,
            outlet: outlets.open(),
            stop: Arc::clone(&stop),
        };
        let pollers = queues.pollers.into_iter().map(poller).collect();
        let line = Line::default();
        let pulse = pulses.of("the scribe".to_owned(), None);
        let scribe = Scribe::new(parts.recorder, outlets.close(), parts.pace, sources, (stop, pulse, line.clone()));
        Self { pollers, shards, scribe, keeper, gauges, tallies: Tallies(tallies), pulses, line }
    }
}

/// A poller and where its rows go.
pub struct PollerWorker {
    poller: Poller,
    outlet: Outlet,
    stop: Arc<AtomicBool>,
    pulse: Pulse,
}

impl PollerWorker {
    /// Polls the source once; false when it has ended, and [`Self::end`] is due.
    #[must_use]
    pub fn step(&mut self, now: Instant) -> bool {
        let Self { poller, outlet, stop, pulse } = self;
        pulse.beat();
        poller.step(stop, &mut |news| outlet.hear(news, now))
    }

    /// Hands over what is left, and says what came of it all.
    #[must_use]
    pub fn end(self, now: Instant) -> PollerReport {
        let Self { poller, mut outlet, .. } = self;
        let report = poller.finish(&mut |news| outlet.hear(news, now));
        outlet.close();
        report
    }

    /// Works until the source ends, and sleeps where a ring has no room for the last of it.
    pub(super) fn run(self) -> PollerReport {
        let Self { poller, mut outlet, stop, pulse } = self;
        let report = poller.run(&stop, &mut |news| {
            pulse.beat();
            outlet.hear(news, clock::now());
        });
        outlet.close();
        report
    }
}

/// A shard, where its packets come from and where its rows go.
pub struct ShardWorker {
    inbox: Inbox,
    shard: Shard,
    /// What passed since its connections were kept, until the first packet from now on, nobody saw.
    resumes: bool,
    saver: Option<Saver>,
    outlet: Outlet,
    tally: Arc<Tally>,
    pulse: Pulse,
}

impl ShardWorker {
    /// Tracks what is there; false when every source has ended, and [`Self::end`] is due.
    #[must_use]
    pub fn step(&mut self, now: Instant) -> bool {
        let Self { inbox, shard, outlet, resumes, .. } = self;
        let mut rows = outlet.rows();
        let received = inbox.try_receive(&mut |run| track(shard, resumes, &run, &mut rows));
        self.conclude(received, now)
    }

    /// Has every live connection kept for another run, or writes it.
    pub fn end(mut self) {
        let clock = self.inbox.clock();
        let saver = self.saver.take();
        if !saver.is_some_and(|saver| saver.save(&mut self.shard, clock, &mut self.outlet.at_the_end())) {
            self.shard.finish(clock, &mut self.outlet.at_the_end());
        }
        self.publish();
        self.outlet.close();
    }

    /// Works until every source has ended, and sleeps while there is nothing to do.
    pub(super) fn run(mut self) {
        loop {
            let Self { inbox, shard, outlet, resumes, .. } = &mut self;
            let mut rows = outlet.rows();
            let received = inbox.receive(&mut |run| track(shard, resumes, &run, &mut rows));
            if !self.conclude(received, clock::now()) {
                return self.end();
            }
        }
    }

    /// What follows a look into the inbox.
    fn conclude(&mut self, received: Received, now: Instant) -> bool {
        self.pulse.beat();
        if received == Received::End {
            return false;
        }
        self.shard.advance(self.inbox.clock(), &mut self.outlet.rows());
        self.outlet.pass_on(self.inbox.clock(), now);
        self.publish();
        true
    }

    fn publish(&self) {
        let (stats, tally) = (self.shard.stats(), &self.tally);
        tally.connections.store(stats.opened, Ordering::Relaxed);
        tally.live.store(stats.live, Ordering::Relaxed);
        tally.late.store(self.inbox.late(), Ordering::Relaxed);
        tally.evicted.store(stats.evicted, Ordering::Relaxed);
        tally.unrecorded.store(stats.unrecorded, Ordering::Relaxed);
        tally.time_wait_evicted.store(stats.time_wait_evicted, Ordering::Relaxed);
        for (place, &name) in tally.stragglers.iter().zip(Straggler::ALL) {
            place.store(stats.stragglers.of(name), Ordering::Relaxed);
        }
        for (place, &name) in tally.anomalies.iter().zip(Anomaly::ALL) {
            place.store(stats.anomalies.of(name), Ordering::Relaxed);
        }
        tally.icmp_attributed.store(stats.icmp_attributed, Ordering::Relaxed);
        tally.icmp_unattributed.store(stats.icmp_unattributed, Ordering::Relaxed);
    }
}

#[inline]
fn track(shard: &mut Shard, resumes: &mut bool, run: &Run<'_>, rows: &mut impl Sink) {
    if let Some(first) = run.observations().first().filter(|_| std::mem::take(resumes)) {
        shard.note_loss(first.clock, rows);
    }
    if let Some(clock) = run.lost_by() {
        shard.note_loss(clock, rows);
    }
    let mut packets = run.packets();
    for group in run.observations().chunks(Shard::GROUP) {
        shard.anticipate(group);
        packets.by_ref().take(group.len()).for_each(|packet| shard.step(&packet, rows));
    }
}

/// A shard's figures, for other threads.
#[derive(Debug, Default)]
struct Tally {
    connections: AtomicU64,
    live: AtomicU64,
    late: AtomicU64,
    evicted: AtomicU64,
    unrecorded: AtomicU64,
    time_wait_evicted: AtomicU64,
    stragglers: [AtomicU64; Straggler::ALL.len()],
    anomalies: [AtomicU64; Anomaly::ALL.len()],
    icmp_attributed: AtomicU64,
    icmp_unattributed: AtomicU64,
}

/// The figures of all shards.
#[derive(Debug)]
pub struct Tallies(Vec<Arc<Tally>>);

impl Tallies {
    /// Connections begun, and those that are open.
    #[must_use]
    pub fn connections(&self) -> (u64, u64) {
        (self.sum(|tally| &tally.connections), self.sum(|tally| &tally.live))
    }

    /// What the shards have done, together.
    #[must_use]
    pub fn tracked(&self) -> Tracked {
        Tracked {
            connections: self.sum(|tally| &tally.connections),
            evicted: self.sum(|tally| &tally.evicted),
            unrecorded: self.sum(|tally| &tally.unrecorded),
            late: self.sum(|tally| &tally.late),
            time_wait_evicted: self.sum(|tally| &tally.time_wait_evicted),
            stragglers: self.sum_of(|tally| &tally.stragglers),
            anomalies: self.sum_of(|tally| &tally.anomalies),
            icmp_errors: [self.sum(|tally| &tally.icmp_attributed), self.sum(|tally| &tally.icmp_unattributed)],
        }
    }

    fn sum(&self, figure: fn(&Tally) -> &AtomicU64) -> u64 {
        self.0.iter().map(|tally| figure(tally).load(Ordering::Relaxed)).sum()
    }

    fn sum_of<const N: usize>(&self, figures: fn(&Tally) -> &[AtomicU64; N]) -> [u64; N] {
        std::array::from_fn(|n| self.0.iter().map(|tally| figures(tally)[n].load(Ordering::Relaxed)).sum())
    }
}

/// Makes the producers' ends of the queue to the scribe, and at last the scribe's.
struct Outlets {
    pace: Pace,
    mask: Option<PrefixCipher>,
    blocks: Sender<Block>,
    queue: Queue,
}

impl Outlets {
    fn new(pace: Pace, mask: Option<PrefixCipher>) -> Self {
        let (blocks, received) = bounded(BLOCKS);
        Self { pace, mask, blocks, queue: Queue { blocks: received, give_back: Vec::new(), lost: Arc::default() } }
    }

    /// The outlet of one more producer; they are numbered from 0.
    fn open(&mut self) -> Outlet {
        let (back, spare) = bounded(BLOCKS);
        let number = u16::try_from(self.queue.give_back.len()).unwrap_or(u16::MAX);
        self.queue.give_back.push(back);
        Outlet::new(
            number,
            self.mask.clone().map(Anonymiser::new),
            self.pace,
            self.blocks.clone(),
            spare,
            Arc::clone(&self.queue.lost),
        )
    }

    /// The scribe's end. From here on the queue ends with its last outlet.
    fn close(self) -> Queue {
        self.queue
    }
}
