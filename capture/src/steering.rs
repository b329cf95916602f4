//! From a frame to its place in a queue: parse, count, choose the shard, push.
//!
//! # Why pollers and shards never wait for each other in a circle
//! A shard may wait for a poller (for its watermark), and a patient poller for a shard (for room in its ring). While a poller
//! waits, it keeps pushing what it has gathered for the *other* shards and keeps promising its clock to them
//! ([`Steering::give_way`]). Now take, among the pollers that wait, the one whose clock stands first in the order of the
//! merge, (clock, source). Whatever lies in its full ring is no later than its clock. Towards the shard it waits for, every
//! other waiting poller has either something in its ring, which the shard can compare, or has promised its own clock, which
//! is no earlier. So that shard can always take something: the oldest head there is. Hence some ring gets shorter, and the
//! pollers go on. A poller that has ended promises [`Nanos::MAX`]; one that waits for its input (a pipe) has handed over
//! all it has.

use std::time::Duration;

use crossbeam_utils::sync::Parker;
use wire::{FlowHasher, IcmpError, Nanos, NotTcp, Parsed, TcpFrame};

use crate::bins::Bins;
use crate::leap::{Held, is_far};
use crate::rings::Lane;
use crate::{Config, DeviceCounters, Frame, Pace, PollerCounters, shard_of};

/// How long a poller sleeps at most before it looks again whether a full ring has room. Its shard wakes it before that; this
/// only bounds what a wake-up between two looks could cost.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A poller's knowledge of its source, and its lanes to the shards.
pub(crate) struct Steering {
    lanes: Vec<Lane>,
    pace: Pace,
    headers: bool,
    hasher: FlowHasher,
    /// Where the thread sleeps while a ring is full.
    room: Parker,
    /// The latest time that the source has shown or promised.
    clock: Nanos,
    /// A frame from far ahead of the clock.
    held: Option<Box<Held>>,
    /// Timestamp of the frame before.
    previous: Nanos,
    /// Drops of the device that are known.
    dropped: u64,
    /// The device lost packets after `clock`, and no frame after that has come yet.
    is_losing: bool,
    /// Losses that came before any time was known, so that they belong to no bin yet.
    undated_loss: u64,
    pub(crate) counters: PollerCounters,
    pub(crate) bins: Bins,
}

impl Steering {
    pub(crate) fn new(lanes: Vec<Lane>, pace: Pace, room: Parker, config: &Config) -> Self {
        Self {
            lanes,
            pace,
            headers: config.headers,
            hasher: FlowHasher::new(config.seed),
            room,
            clock: Nanos::MIN,
            held: None,
            previous: Nanos::MIN,
            dropped: 0,
            is_losing: false,
            undated_loss: 0,
            counters: PollerCounters::default(),
            bins: Bins::new(config.bin_width),
        }
    }

    /// Takes a frame from the source.
    #[inline]
    pub(crate) fn take(&mut self, frame: Frame<'_>) {
        if self.held.is_some() {
            self.let_go(Some(frame.ts));
        }
        if is_far(self.clock, frame.ts) {
            return self.hold(&frame);
        }
        self.clock = self.clock.max(frame.ts);
        self.admit(&frame);
    }

    #[cold]
    fn hold(&mut self, frame: &Frame<'_>) {
        self.held = Some(Box::new(Held::new(frame)));
    }

    /// The frame that was held goes on: the source does at `next`, or has ended.
    #[cold]
    fn let_go(&mut self, next: Option<Nanos>) {
        let Some(held) = self.held.take() else { return };
        self.clock = self.clock.max(held.clock(next));
        self.admit(&held.frame());
    }

    /// The source has ended.
    pub(crate) fn end(&mut self) {
        self.let_go(None);
    }

    #[inline]
    fn admit(&mut self, frame: &Frame<'_>) {
        self.tick(frame.ts);
        match wire::parse(frame.link, frame.bytes, frame.wire_len) {
            Parsed::Tcp(tcp) => self.steer(frame, &tcp),
            Parsed::NotTcp(what) => self.count_not_tcp(frame.ts, what),
            Parsed::Icmp(error) => self.steer_icmp(frame.ts, &error),
            Parsed::Rejected(reason) => {
                self.counters.rejected[reason.index()] += 1;
                self.bins.count_rejected(frame.ts);
            }
        }
    }

    #[inline]
    fn tick(&mut self, ts: Nanos) {
        if self.counters.first.is_none() {
            self.counters.first = Some(ts);
            self.previous = ts;
        }
        self.counters.clock_steps += u64::from(ts < self.previous);
        self.previous = ts;
        self.counters.last = self.counters.last.max(Some(ts));
        if self.is_losing {
            self.end_loss();
        }
    }

    /// What was lost was lost before this time.
    #[cold]
    fn end_loss(&mut self) {
        self.is_losing = false;
        for lane in &mut self.lanes {
            lane.note_loss(self.clock);
        }
    }

    #[inline]
    fn steer(&mut self, frame: &Frame<'_>, tcp: &TcpFrame<'_>) {
        let mut segment = tcp.segment;
        if let Some(vlan) = frame.vlan {
            segment.vlan = vlan;
        }
        let headers = if self.headers { tcp.headers } else { &[] };
        let hash = self.hasher.hash(&segment.key);
        let shard = self.shard_of(hash);
        if self.make_room(shard, headers.len()) {
            self.counters.tcp += 1;
            self.lanes[shard].push(frame.ts, self.clock, segment, hash, headers);
        } else {
            self.drop_at_queue(shard, frame.ts);
        }
    }

    fn shard_of(&self, hash: u32) -> usize {
        shard_of(hash, self.lanes.len() as u32) as usize
    }

    /// Makes room for an observation, waiting for it where the source can wait; `false` if there is none.
    #[inline]
    fn make_room(&mut self, shard: usize, headers: usize) -> bool {
        while !self.lanes[shard].has_room(headers) {
            if self.pace == Pace::Live || self.lanes[shard].is_abandoned() {
                return false;
            }
            self.give_way();
        }
        true
    }

    fn count_not_tcp(&mut self, ts: Nanos, what: NotTcp) {
        self.counters.count_not_tcp(what);
        self.bins.count_not_tcp(ts, what);
    }

    /// An ICMP error goes, beside being counted as what it is, to the shard of the connection that it is about.
    fn steer_icmp(&mut self, ts: Nanos, error: &IcmpError) {
        self.count_not_tcp(ts, error.protocol());
        let Some(segment) = error.quote else {
            self.counters.icmp_unreadable += 1;
            return;
        };
        let hash = self.hasher.hash(&segment.key);
        let shard = self.shard_of(hash);
        if self.make_room(shard, 0) {
            self.counters.icmp_errors += 1;
            self.lanes[shard].push(ts, self.clock, segment, hash, &[]);
        } else {
            self.counters.icmp_dropped += 1;
        }
    }

    fn drop_at_queue(&mut self, shard: usize, ts: Nanos) {
        self.counters.dropped_queue += 1;
        self.bins.count_lost(ts, 1);
        self.lanes[shard].note_loss(self.clock);
    }

    /// Waits for room, without holding back what other shards may be waiting for.
    pub(crate) fn give_way(&mut self) {
        self.hand_over();
        self.room.park_timeout(LOOK_AGAIN);
    }

    /// The device's counters: every shard is told of new drops, that they fell after the clock as it is and before the next frame, or the
    /// next promise.
    pub(crate) fn note_loss(&mut self, device: &DeviceCounters) {
        let new = device.dropped().saturating_sub(self.dropped);
        if new > 0 {
            self.dropped = device.dropped();
            self.undated_loss += new;
            self.is_losing = true;
            for lane in &mut self.lanes {
                lane.note_loss(self.clock);
            }
        }
        if self.undated_loss > 0 && self.clock > Nanos::MIN {
            self.bins.count_lost(self.clock, std::mem::take(&mut self.undated_loss));
        }
    }

    /// The source has nothing, and promises that all before `past` was visited.
    pub(crate) fn pass_time(&mut self, past: Option<Nanos>) {
        if past.is_some() {
            self.let_go(past);
        }
        let Some(past) = past.filter(|past| *past > self.clock) else { return };
        self.clock = past;
        if self.is_losing {
            self.end_loss();
        }
    }

    /// The latest time that the source has shown or promised.
    pub(crate) const fn clock(&self) -> Nanos {
        self.clock
    }

    /// Pushes what was gathered, as far as there is room, and promises the clock.
    pub(crate) fn hand_over(&mut self) {
        for lane in &mut self.lanes {
            lane.flush();
            lane.promise(self.clock);
            lane.announce();
        }
        self.bins.close_before(self.clock);
    }

    /// Whether something lies here that a shard waits for.
    pub(crate) fn has_gathered(&self) -> bool {
        self.lanes.iter().any(|lane| lane.has_gathered() && !lane.is_abandoned())
    }

    /// Closes the lanes; what lies here still is lost.
    pub(crate) fn close(&mut self) {
        for mut lane in self.lanes.drain(..) {
            lane.promise(self.clock);
            let left = lane.gathered();
            self.counters.tcp -= left.segments;
            self.counters.dropped_queue += left.segments;
            self.counters.icmp_errors -= left.icmp;
            self.counters.icmp_dropped += left.icmp;
        }
    }
}
