//! The world: all live connections of a scenario on one clock, and the tap that sees them.

mod others;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use wire::{Direction, Nanos};

use crate::arrivals::Process;
use crate::frame::{Addressing, Builder, Frame, Other};
use crate::link::{Carrier, Passing};
use crate::pcap::Resolution;
use crate::rng::{Dist, Rng};
use crate::scenario::{Population, Scenario};
use crate::speaker::{Connection, Opening, Setup};
use crate::truth::{Ending, Passage, Truth};
use others::{Drawn, Others};

/// Where it ends at the latest: what a scenario without an end is cut at, and a bound for what a user asks for, s. A capture file's
/// seconds still fit into 32 bits then.
pub const LONGEST: f64 = 2_000_000_000.0;

/// Where frames and truths go.
pub trait Tap {
    /// A frame passes.
    ///
    /// # Errors
    /// Those of the output; they end the run.
    fn frame(&mut self, ts: Nanos, frame: &Frame<'_>) -> io::Result<()>;

    /// A segment has passed; its frame was told before.
    ///
    /// # Errors
    /// Those of the output; they end the run.
    fn segment(&mut self, _passage: &Passage<'_>) -> io::Result<()> {
        Ok(())
    }

    /// A connection is over, or the capture ends before it.
    ///
    /// # Errors
    /// Those of the output; they end the run.
    fn over(&mut self, truth: &Truth) -> io::Result<()>;
}

/// How much of a scenario is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// When the capture begins.
    pub start: Nanos,
    /// By how much more connections arrive in a second than the scenario says.
    pub scale: f64,
    /// How many connections arrive.
    pub connections: Option<u64>,
    /// When the capture ends.
    pub end: Option<Nanos>,
    /// After how many frames it ends.
    pub packets: Option<u64>,
}

impl Extent {
    /// What the user asks for, completed by the scenario. With both a number of connections and a duration (s), that many arrive in
    /// that time; with a number alone, the capture ends when they are over, and other traffic stops when the last has begun.
    #[must_use]
    pub fn of(scenario: &Scenario, connections: Option<u64>, seconds: Option<f64>, packets: Option<u64>) -> Self {
        let (connections, seconds) = match (connections, seconds) {
            (None, None) if packets.is_none() => (scenario.connections, scenario.seconds),
            as_wanted => as_wanted,
        };
        let scale = match (connections, seconds) {
            (Some(count), Some(seconds)) => count as f64 / scenario.expected(seconds),
            _ => 1.0,
        };
        let end = seconds.map(|seconds| scenario.start.plus((seconds.min(LONGEST) * 1e9) as i64));
        Self { start: scenario.start, scale, connections, end, packets }
    }
}

/// What has passed the tap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames.
    pub frames: u64,
    /// TCP segments among them.
    pub tcp: u64,
    /// UDP datagrams.
    pub udp: u64,
    /// Echo requests of ICMP and ICMPv6.
    pub icmp: u64,
    /// ARP requests.
    pub arp: u64,
    /// Bytes of all frames on the wire.
    pub bytes: u64,
    /// Connections of which something passed.
    pub connections: u64,
    /// The most that were alive at a time.
    pub peak_live: u64,
}

/// What lives in a slot.
#[derive(Debug)]
struct Live {
    connection: Connection,
    addressing: Addressing,
    truth: Truth,
    /// The connection after which the next on the same ports is modelled.
    followed_by: Option<Box<Setup>>,
}

impl Live {
    /// Sends its next segment over the line, unless that is done; whether it was to be sent.
    fn come_to_line(&mut self, line: &mut Carrier, now: Nanos) -> bool {
        let Some((from, segment)) = self.connection.at_line() else { return false };
        let mut sack = Default::default();
        let ip_len = self.connection.header(from, segment, &mut sack).ip_len(self.addressing.family);
        let until = line.take(self.addressing.is_outbound(from), ip_len, now);
        self.connection.cross_line(until);
        true
    }
}

/// A part of a scenario as it runs.
#[derive(Debug)]
struct Part {
    arrivals: Process,
    next: Nanos,
    arrived: u64,
}

/// A scenario as it runs.
#[derive(Debug)]
pub struct World {
    extent: Extent,
    resolution: Resolution,
    population: Population,
    builder: Builder,
    /// For arrivals and what they draw.
    rng: Rng,
    others: Others,
    /// The tapped line, where it makes datagrams wait.
    line: Option<Carrier>,
    /// Share of connections that are followed by another on the same ports.
    reuse: f64,
    parts: Vec<Part>,
    /// When the next connection begins, and of which part it is.
    next_arrival: (Nanos, usize),
    arrived: u64,
    /// When the next segment of which slot passes the tap.
    agenda: BinaryHeap<Reverse<(Nanos, u32)>>,
    slots: Vec<Option<Live>>,
    free: Vec<u32>,
    counters: Counters,
}

impl World {
    /// The world of a scenario at its beginning.
    #[must_use]
    pub fn new(scenario: &'static Scenario, seed: u64, extent: Extent, snaplen: u32, resolution: Resolution) -> Self {
        let mut rng = Rng::new(seed);
        let other_rng = rng.fork();
        let population = Population::new(scenario, &mut rng);
        let mut parts: Vec<Part> = Vec::with_capacity(scenario.parts.len());
        for part in scenario.parts {
            let mut arrivals = Process::new(&part.arrivals, extent.scale, extent.start, &mut rng);
            parts.push(Part { next: arrivals.next(extent.start, &mut rng), arrivals, arrived: 0 });
        }
        let next_arrival = if extent.connections == Some(0) { (Nanos::MAX, 0) } else { earliest(&parts) };
        Self {
            extent,
            resolution,
            population,
            builder: Builder::new(snaplen),
            rng,
            others: Others::new(scenario.other_per_second, extent.start, other_rng),
            line: scenario.line.map(Carrier::new),
            reuse: scenario.era.reuse,
            parts,
            next_arrival,
            arrived: 0,
            agenda: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// How many connections of each part have begun so far.
    pub fn arrived(&self) -> impl Iterator<Item = u64> + '_ {
        self.parts.iter().map(|part| part.arrived)
    }

    /// Datagrams that the tapped line had no room for; `None` where it is no limit.
    #[must_use]
    pub fn dropped_at_line(&self) -> Option<u64> {
        self.line.as_ref().map(Carrier::dropped)
    }

    /// What has passed the tap so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Runs until `frames` more have passed, or until the end: then true, and every truth has been told.
    ///
    /// # Errors
    /// Those of the tap.
    pub fn run(&mut self, frames: u64, tap: &mut impl Tap) -> io::Result<bool> {
        let pause = self.counters.frames.saturating_add(frames);
        while self.counters.frames < pause {
            if !self.step(tap)? {
                self.finish(tap)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends here: tells the truth of those that are still alive.
    ///
    /// # Errors
    /// Those of the tap.
    pub fn stop(&mut self, tap: &mut impl Tap) -> io::Result<()> {
        self.extent.packets = Some(0);
        self.finish(tap)
    }

    /// The next thing that happens; false when nothing will.
    fn step(&mut self, tap: &mut impl Tap) -> io::Result<bool> {
        let segment_at = self.agenda.peek().map_or(Nanos::MAX, |Reverse((at, _))| *at);
        let tcp_at = segment_at.min(self.next_arrival.0);
        let is_over = tcp_at == Nanos::MAX || self.extent.packets.is_some_and(|most| self.counters.frames >= most);
        let now = tcp_at.min(self.others.at());
        if is_over || self.extent.end.is_some_and(|end| now >= end) {
            return Ok(false);
        }
        if now == segment_at {
            self.pass_segment(tap)?;
        } else if now == self.next_arrival.0 {
            self.arrive(now);
        } else {
            self.pass_other(now, tap)?;
        }
        Ok(true)
    }

    /// A connection begins.
    fn arrive(&mut self, now: Nanos) {
        let of_part = self.next_arrival.1;
        let drawn = self.population.connection(of_part, now, &mut self.rng);
        self.arrived += 1;
        let was_last = self.extent.connections.is_some_and(|most| self.arrived >= most);
        if let Some(part) = self.parts.get_mut(of_part) {
            part.arrived += 1;
            part.next = if was_last { Nanos::MAX } else { part.arrivals.next(now, &mut self.rng) };
        }
        self.next_arrival = if was_last { (Nanos::MAX, 0) } else { earliest(&self.parts) };
        if was_last && self.extent.end.is_none() {
            // Otherwise it would fill the file for as long as the slowest connection lingers.
            self.others.end();
        }
        let Some((setup, addressing)) = drawn else { return };
        let is_followed = setup.outcome.closes_in_order() && self.rng.chance(self.reuse);
        self.begin(&setup, addressing, is_followed);
    }

    /// A connection begins, which may be followed by another on the same ports.
    fn begin(&mut self, setup: &Setup, addressing: Addressing, is_followed: bool) {
        let mut connection = Connection::new(setup, self.rng.fork());
        let Some(at) = connection.next_at_tap() else { return };
        let followed_by = is_followed.then(|| Box::new(*setup));
        let live = Live { connection, addressing, truth: Truth::new(addressing), followed_by };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                (self.slots.len() - 1) as u32
            }
        };
        self.slots[slot as usize] = Some(live);
        self.agenda.push(Reverse((at, slot)));
        self.counters.peak_live = self.counters.peak_live.max(self.agenda.len() as u64);
    }

    /// The next segment passes the tap, or comes to the line before it.
    fn pass_segment(&mut self, tap: &mut impl Tap) -> io::Result<()> {
        let Some(mut top) = self.agenda.peek_mut() else { return Ok(()) };
        let Reverse((now, slot)) = *top;
        let Some(live) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else { return Ok(()) };
        let comes_to_line = self.line.as_mut().is_some_and(|line| live.come_to_line(line, now));
        if comes_to_line {
            // It passes later, or never.
        } else if let Some((from, passing)) = live.connection.pass_tap() {
            let ts = self.resolution.round(passing.ts);
            let mut sack = Default::default();
            let header = live.connection.header(from, &passing.segment, &mut sack);
            let seq = header.seq;
            let frame = self.builder.tcp(&live.addressing, from, &header);
            let is_heard = live.connection.is_there(from.other());
            let (from, unnecessary) = live.truth.pass(ts, from, &passing, is_heard, frame.ip_len);
            self.counters.tcp += 1;
            count(&mut self.counters, &frame);
            tap.frame(ts, &frame)?;
            let Passing { segment, fate, .. } = &passing;
            let addressing = live.truth.addressing();
            tap.segment(&Passage { ts, addressing, from, seq, segment, fate: *fate, unnecessary })?;
        }
        if let Some(at) = live.connection.next_at_tap() {
            *top = Reverse((at, slot));
            return Ok(());
        }
        PeekMut::pop(top);
        self.free.push(slot);
        let Some(mut live) = self.slots[slot as usize].take() else { return Ok(()) };
        let (addressing, followed_by) = (live.addressing, live.followed_by.take());
        let ending = live.truth.ending();
        let last = live.truth.last();
        self.tell(live, tap)?;
        if let Some(setup) = followed_by.filter(|_| ending == Ending::Fin) {
            self.follow(*setup, addressing, last);
        }
        Ok(())
    }

    /// The ports of a connection whose last segment passed at `last` are used again, most often within TIME-WAIT.
    fn follow(&mut self, before: Setup, addressing: Addressing, last: Nanos) {
        const PAUSE: Dist = Dist::LogNormal { median: 3.0, sigma: 1.5, max: 90.0 };
        /// Further than anything here sends: a SYN is new when its number is higher (RFC 9293, 3.10.7.4), and a higher timestamp
        /// makes it so too (RFC 6191).
        const FURTHER: u32 = 1 << 30;
        let mut setup = before;
        setup.start = last.plus(Nanos::PER_SECOND / 2 + PAUSE.nanos(&mut self.rng));
        setup.opening = Opening::Ordinary;
        let [orig, resp] = &mut setup.profiles;
        orig.isn = orig.isn.wrapping_add(FURTHER);
        resp.isn = self.rng.bits() as u32;
        self.begin(&setup, addressing, false);
    }

    /// A frame that is not TCP passes, or comes to the line.
    fn pass_other(&mut self, now: Nanos, tap: &mut impl Tap) -> io::Result<()> {
        if let Some(crossed) = self.others.crossed(now) {
            return self.show_other(now, crossed, tap);
        }
        let drawn = self.population.other(&mut self.others.rng);
        self.others.advance(now);
        let Some(drawn) = drawn else { return Ok(()) };
        let Some(line) = &mut self.line else { return self.show_other(now, drawn, tap) };
        let (what, addressing, from) = &drawn;
        let frame = self.builder.other(*what, addressing, *from);
        if frame.ip_len == 0 {
            // Only IP goes over the line.
            return self.show_other(now, drawn, tap);
        }
        if let Some(until) = line.take(frame.outbound, frame.ip_len, now) {
            self.others.wait(until, drawn);
        }
        Ok(())
    }

    fn show_other(&mut self, now: Nanos, (what, addressing, from): Drawn, tap: &mut impl Tap) -> io::Result<()> {
        match what {
            Other::Udp { .. } => self.counters.udp += 1,
            Other::Echo => self.counters.icmp += 1,
            Other::Arp => self.counters.arp += 1,
        }
        let frame = self.builder.other(what, &addressing, from);
        count(&mut self.counters, &frame);
        tap.frame(self.resolution.round(now), &frame)
    }

    /// Tells the truth of those that are still alive.
    fn finish(&mut self, tap: &mut impl Tap) -> io::Result<()> {
        self.agenda.clear();
        for live in std::mem::take(&mut self.slots).into_iter().flatten() {
            self.tell(live, tap)?;
        }
        Ok(())
    }

    fn tell(&mut self, mut live: Live, tap: &mut impl Tap) -> io::Result<()> {
        if !live.truth.was_seen() {
            return Ok(());
        }
        for who in [Direction::Orig, Direction::Resp] {
            live.truth.learn(who, live.connection.knowledge(who));
        }
        self.counters.connections += 1;
        tap.over(&live.truth)
    }
}

fn count(counters: &mut Counters, frame: &Frame<'_>) {
    counters.frames += 1;
    counters.bytes += u64::from(frame.wire_len);
}

/// The next arrival of all parts; of those at the same instant, the first part's.
fn earliest(parts: &[Part]) -> (Nanos, usize) {
    parts.iter().enumerate().map(|(at, part)| (part.next, at)).min().unwrap_or((Nanos::MAX, 0))
}

/// The instant of a Poisson process's next event.
fn after(now: Nanos, per_second: f64, rng: &mut Rng) -> Nanos {
    if per_second > 0.0 { now.plus((rng.exponential(1.0 / per_second) * 1e9) as i64) } else { Nanos::MAX }
}

#[cfg(test)]
mod tests;
