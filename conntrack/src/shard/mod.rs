//! A shard: the connections of a part of all flows, which it owns alone.
//!
//! A packet finds its connection by hash and key. A SYN that nothing has answered is only an [`Attempt`]; everything
//! else has a [`Connection`] in a slab. What is over leaves as rows through the [`Sink`].
//!
//! What comes out depends on the packets alone: on nothing that another flow of the same shard does, except where the table is full.
//! A timer therefore counts as expired by the clock that the packet at hand carries, whether or not a walk over the timers has come by.

mod attempt;
mod attempts;
mod checkpoint;
mod evict;
mod interim;
mod late;
mod lists;
mod series;
mod slab;
mod stats;
mod table;
mod time_wait;
mod timers;
mod uid;

use wire::{Direction, Nanos, Observation, OptionSet, Packet};

use crate::anomaly::Anomalies;
use crate::config::Config;
use crate::connection::{Belongs, Connection};
use crate::events;
use crate::held::Held;
use crate::measures::SegmentClass;
use crate::record::CloseReason;
use crate::sink::{Header, Sink};
use attempt::Attempt;
use attempts::Attempts;
pub use checkpoint::{Heir, Kept, LAYOUT, Saved, Unsound};
use interim::Interim;
use series::Series;
pub use stats::ShardStats;
use table::Table;
use time_wait::TimeWait;
pub(crate) use timers::Class;

/// Of the connections that may be held, one in so many may be an attempt that does not fit into the tier of attempts (a SYN with data or
/// unusual options, or one that came three times).
const ATTEMPTS_SHARE: usize = 4;

/// SYNs of a possible new connection that are kept aside at once; a host that sends more without an answer gets none.
const MAX_PENDING: usize = 8;

/// Connections that stay in a processor's second-level cache by themselves: with fewer, looking ahead only costs.
const CACHED: usize = 512;

/// The tracker of a part of all flows.
#[derive(Debug)]
pub struct Shard {
    config: Config,
    table: Table,
    attempts: Attempts,
    time_wait: TimeWait,
    series: Series,
    interim: Interim,
    clock: Nanos,
    /// No timer ends before this, unless the table says that other connections came to wait longest.
    quiet_until: Nanos,
    /// By when the capture last lost packets.
    last_loss: Nanos,
    /// The second in which evicted attempts were last written down, and how many were.
    evictions: (i64, u32),
    stats: ShardStats,
}

impl Shard {
    /// A shard without connections.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            table: Table::new(),
            attempts: Attempts::new(),
            time_wait: TimeWait::new(config.salt, config.timeouts.time_wait, config.max_time_wait),
            series: Series::new(config.interval_width),
            interim: Interim::new(config.interim_every),
            clock: Nanos::MIN,
            quiet_until: Nanos::MIN,
            last_loss: Nanos::MIN,
            evictions: (0, 0),
            stats: ShardStats::default(),
            config,
        }
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> ShardStats {
        ShardStats { live: (self.table.len() + self.attempts.len()) as u64, ..self.stats }
    }

    /// Packets that are worth being looked at together by [`Shard::anticipate`]: their connections, some thirty cache lines each, fit the
    /// first two levels of cache.
    pub const GROUP: usize = 16;

    /// Reads what the next packets need, at most [`Shard::GROUP`] of them, so that it is in the cache when [`Shard::step`] comes to them.
    /// With a hundred thousand connections hardly any is there, and a packet alone waits for a dozen reads one after another, since each
    /// tells where the next lies. Here each round of reads is made for all packets, and they overlap. It changes nothing.
    pub fn anticipate(&self, observations: &[Observation]) {
        if self.table.len() < CACHED {
            return;
        }
        let mut slots = [None; Self::GROUP];
        let mut read = 0;
        for (slot, observation) in slots.iter_mut().zip(observations) {
            *slot = self.table.find(observation);
        }
        for slot in slots.into_iter().flatten() {
            read ^= self.table.get(slot).touch();
        }
        for slot in slots.into_iter().flatten() {
            read ^= self.table.get(slot).touch_behind();
        }
        std::hint::black_box(read);
    }

    /// Takes in a packet.
    pub fn step(&mut self, packet: &Packet<'_>, sink: &mut impl Sink) {
        let observation = packet.observation;
        self.advance(observation.clock, sink);
        if observation.segment.quoted_by.is_some() {
            return self.take_icmp(observation, sink);
        }
        self.stats.packets += 1;
        self.dispatch(packet, sink);
    }

    /// The capture has lost packets, and nobody knows whose. To be told twice of a loss: with the time after which it fell, and with that
    /// before which it did.
    pub fn note_loss(&mut self, clock: Nanos, sink: &mut impl Sink) {
        // Whose time was up before has lost nothing.
        self.advance(clock, sink);
        self.last_loss = self.last_loss.max(clock);
    }

    /// Takes in an ICMP error: for the connection, or attempt, whose segment it quotes.
    fn take_icmp(&mut self, observation: &Observation, sink: &mut impl Sink) {
        let slot = self.find(observation, sink).or_else(|| {
            let attempt = self.attempts.find(observation).map(|slot| self.attempts.remove(slot))?;
            let connection = self.connection_of(&attempt, sink);
            Some(self.insert(connection, sink))
        });
        let Some(slot) = slot else {
            self.stats.icmp_unattributed += 1;
            return;
        };
        self.stats.icmp_attributed += 1;
        self.tell_interim(slot, sink);
        events::note_icmp(self.table.get_mut(slot), observation, &self.config.events, sink);
    }

    /// Lets time pass: ends what has waited too long.
    pub fn advance(&mut self, clock: Nanos, sink: &mut impl Sink) {
        if clock <= self.clock {
            return;
        }
        self.pass_boundary(clock, sink);
        self.clock = clock;
        if self.table.take_new_front() || clock >= self.quiet_until {
            self.expire(clock, sink);
        }
        self.time_wait.expire(clock);
        self.walk(clock, sink);
        self.series.pass(clock, sink);
    }

    /// Ends the campaign at `clock`, the latest packet of all sources: every connection that is still there leaves its row.
    pub fn finish(&mut self, clock: Nanos, sink: &mut impl Sink) {
        self.advance(clock, sink);
        self.end_what_is_due(sink);
        while let Some(attempt) = self.attempts.pop_oldest() {
            self.write_attempt(attempt, CloseReason::CampaignEnd, sink);
        }
        for slot in self.table.slots() {
            if self.table.holds(slot) {
                self.retire(slot, CloseReason::CampaignEnd, sink);
            }
        }
        self.series.flush(sink);
    }

    fn dispatch(&mut self, packet: &Packet<'_>, sink: &mut impl Sink) {
        let observation = packet.observation;
        if let Some(slot) = self.find(observation, sink) {
            return match self.direction_before(slot, observation) {
                Some(from) => self.count_straggler(from, observation, sink),
                None => self.step_connection(slot, packet, sink),
            };
        }
        if let Some(slot) = self.attempts.find(observation) {
            return self.step_attempt(slot, packet, sink);
        }
        match self.time_wait.direction_of(observation) {
            Some(from) => self.count_straggler(from, observation, sink),
            None => self.open(packet, sink),
        }
    }

    /// The slot of the connection that the packet's key names, unless that has waited too long by the packet's clock already: then it
    /// ends. The lists of the timers are only roughly in order, since a connection that was active goes to the back of its list with
    /// the time of its last packet.
    fn find(&mut self, observation: &Observation, sink: &mut impl Sink) -> Option<u32> {
        loop {
            let slot = self.table.find(observation)?;
            if !self.is_due(slot, observation.clock) && !self.is_strange(slot, observation) {
                return Some(slot);
            }
            // What was held aside may begin another on the tuple.
            self.time_out(slot, sink);
        }
    }

    fn step_attempt(&mut self, slot: u32, packet: &Packet<'_>, sink: &mut impl Sink) {
        let attempt = self.attempts.get_mut(slot);
        if !attempt.repeat(packet.observation) {
            let attempt = self.attempts.remove(slot);
            let connection = self.connection_of(&attempt, sink);
            let slot = self.insert(connection, sink);
            return self.step_connection(slot, packet, sink);
        }
        let attempt = *attempt;
        self.series.count(Direction::Orig, &packet.observation.segment, packet.observation.ts, sink);
        self.attempt_header(&attempt, packet, sink);
    }

    fn step_connection(&mut self, slot: u32, packet: &Packet<'_>, sink: &mut impl Sink) {
        match self.table.get(slot).belongs(packet.observation) {
            Belongs::Here => {
                self.fold_pending(slot, sink);
                self.take(slot, packet, sink);
            }
            Belongs::Pending => self.hold_syn(slot, packet, sink),
            Belongs::New => {
                // Who opens anew over a suspect reset had not held on to the connection.
                self.confirm_suspect(slot, sink);
                self.retire(slot, CloseReason::Reused, sink);
                self.open(packet, sink);
            }
            Belongs::Confirms => {
                let held = std::mem::take(&mut self.table.get_mut(slot).pending);
                self.confirm_suspect(slot, sink);
                self.retire(slot, CloseReason::Reused, sink);
                for syn in &held {
                    self.dispatch(&syn.packet(), sink);
                }
                self.dispatch(packet, sink);
            }
        }
    }

    /// Keeps a SYN aside that may open a new connection on the tuple.
    fn hold_syn(&mut self, slot: u32, packet: &Packet<'_>, sink: &mut impl Sink) {
        let pending = &self.table.get(slot).pending;
        let another = pending.first().is_some_and(|held| {
            let (held, new) = (&held.observation.segment, &packet.observation.segment);
            held.seq != new.seq || held.sender != new.sender
        });
        if another || pending.len() >= MAX_PENDING {
            self.fold_pending(slot, sink);
        }
        self.table.get_mut(slot).pending.push(Held::new(packet));
    }

    /// The SYNs that were kept aside opened nothing: they belong to the connection that is there.
    fn fold_pending(&mut self, slot: u32, sink: &mut impl Sink) {
        if self.table.get(slot).pending.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut self.table.get_mut(slot).pending);
        for held in &pending {
            self.take(slot, &held.packet(), sink);
        }
    }

    fn open(&mut self, packet: &Packet<'_>, sink: &mut impl Sink) {
        let observation = packet.observation;
        self.stats.opened += 1;
        self.series.opened(observation.ts, sink);
        // The attempts are in the order in which they began: a SYN that was held aside meanwhile fits into no order.
        let attempt = Attempt::new(observation).filter(|_| observation.clock >= self.clock);
        if let Some(attempt) = attempt {
            if self.attempts.len() >= self.config.max_attempts {
                self.evict_attempt(sink);
            }
            self.attempts.insert(attempt);
            self.quiet_until = self.quiet_until.min(attempt.first().plus(self.config.timeouts.attempt));
            self.series.count(Direction::Orig, &observation.segment, observation.ts, sink);
            return self.attempt_header(&attempt, packet, sink);
        }
        let connection = Connection::new(observation, uid::of(observation, self.config.salt));
        let slot = self.insert(connection, sink);
        self.take(slot, packet, sink);
    }

    fn insert(&mut self, mut connection: Connection, sink: &mut impl Sink) -> u32 {
        if self.table.len() >= self.config.max_connections
            && let Some(least_valuable) = self.table.least_valuable()
        {
            self.evict(least_valuable, sink);
        }
        connection.interims = self.interim.passed();
        self.table.insert(connection)
    }

    /// Takes a packet into the connection that it belongs to.
    fn take(&mut self, slot: u32, packet: &Packet<'_>, sink: &mut impl Sink) {
        self.tell_interim(slot, sink);
        let observation = packet.observation;
        let connection = self.table.get_mut(slot);
        connection.liberal |= self.last_loss >= connection.first_clock;
        let was_closed = connection.is_closed();
        let before = events::Before::of(connection);
        let (from, signs) = connection.observe(observation);
        if was_closed && signs.class != Some(SegmentClass::CaptureDuplicate) {
            connection.note_late(&observation.segment);
        }
        if signs.anomalies != Anomalies::default() {
            signs.anomalies.iter().for_each(|anomaly| self.stats.anomalies.add(anomaly));
        }
        if observation.segment.options.has(OptionSet::MPTCP) {
            connection.note_multipath(packet.headers);
        }
        events::note(connection, &before, observation, &signs, &self.config.events, sink);
        self.series.count(from, &observation.segment, observation.ts, sink);
        if let Some(closed) = connection.closed().filter(|_| !was_closed) {
            self.series.closed(closed.ts, sink);
        }
        if connection.headers < self.config.headers {
            if connection.roles_are_certain() {
                emit_held(connection, sink);
                emit_header(connection, packet, sink);
            } else {
                connection.headers += 1;
                connection.held.push(Held::new(packet));
            }
        }
        self.table.requeue(slot);
        self.bound_attempts(sink);
    }

    fn attempt_header(&self, attempt: &Attempt, packet: &Packet<'_>, sink: &mut impl Sink) {
        let n = attempt.syns() - 1;
        if n < self.config.headers {
            sink.header(header(attempt.uid(self.config.salt), n, Direction::Orig, packet));
        }
    }

    /// Whether the connection has waited too long at `clock`. Written as a difference, so that it is right at the ends of time too.
    fn is_due(&self, slot: u32, clock: Nanos) -> bool {
        let connection = self.table.get(slot);
        let class = connection.timer.0;
        debug_assert_eq!(class, Class::of(connection), "a connection waits in the list of its class");
        clock.since(class.since(connection)) >= class.timeout(&self.config.timeouts)
    }

    /// Ends everything whose time is up at `clock`.
    fn expire(&mut self, clock: Nanos, sink: &mut impl Sink) {
        while let Some(attempt) = self.attempts.pop_due(clock, self.config.timeouts.attempt) {
            self.series.closed(attempt.first().plus(self.config.timeouts.attempt), sink);
            self.write_attempt(attempt, CloseReason::AttemptTimeout, sink);
        }
        for class in Class::ALL {
            let timeout = class.timeout(&self.config.timeouts);
            while let Some(slot) = self.table.waiting_for(class, timeout, clock) {
                if self.is_due(slot, clock) {
                    self.time_out(slot, sink);
                } else {
                    self.table.wait_again(slot);
                }
            }
        }
        self.table.take_new_front();
        let oldest_attempt = self.attempts.oldest_until(self.config.timeouts.attempt);
        let until = |class: Class| self.table.front_until(class, class.timeout(&self.config.timeouts));
        self.quiet_until = Class::ALL.into_iter().map(until).fold(oldest_attempt, Nanos::min);
    }

    /// Ends a connection that has waited too long. SYNs that were held aside did not keep it waiting: they open a connection of their own,
    /// which may have waited too long itself.
    fn time_out(&mut self, slot: u32, sink: &mut impl Sink) {
        let connection = self.table.get_mut(slot);
        let held = std::mem::take(&mut connection.pending);
        let class = Class::of(connection);
        let due = class.since(connection).plus(class.timeout(&self.config.timeouts));
        let was_open = !connection.is_closed();
        if !self.confirm_suspect(slot, sink) && was_open {
            self.series.closed(due, sink);
        }
        self.retire(slot, class.reason(), sink);
        for syn in &held {
            self.dispatch(&syn.packet(), sink);
        }
        let opened = held.last().and_then(|syn| self.table.find(&syn.observation));
        if let Some(slot) = opened.filter(|&slot| self.is_due(slot, self.clock)) {
            self.time_out(slot, sink);
        }
    }

    /// Ends a connection at its suspect reset; `false` if it had none.
    fn confirm_suspect(&mut self, slot: u32, sink: &mut impl Sink) -> bool {
        self.tell_interim(slot, sink);
        let connection = self.table.get_mut(slot);
        let before = events::Before::of(connection);
        // What ended by itself afterwards needs no silence to confirm it.
        if connection.is_closed() || !connection.confirm_suspect() {
            return false;
        }
        if let Some(closed) = connection.closed() {
            events::note_states(connection, &before, closed.ts, &self.config.events, sink);
            self.series.closed(closed.ts, sink);
        }
        true
    }

    /// Takes a connection out and writes its row; `reason` holds where it did not end by itself. An attempt that has to go for another leaves
    /// one only within the bound.
    fn retire(&mut self, slot: u32, reason: CloseReason, sink: &mut impl Sink) {
        self.fold_pending(slot, sink);
        self.tell_interim(slot, sink);
        let Some(mut connection) = self.table.remove(slot) else { return };
        if !matches!(reason, CloseReason::Reused | CloseReason::CampaignEnd) {
            let evicts = self.time_wait.insert(&connection, self.clock);
            self.stats.time_wait_evicted += u64::from(evicts);
        }
        if reason == CloseReason::Reused && !connection.is_closed() {
            self.series.closed(self.clock, sink);
        }
        let goes_for_another = matches!(reason, CloseReason::Reused | CloseReason::Evicted) && connection.is_attempt();
        if goes_for_another && !self.may_leave_row() {
            let packets = connection.halves.iter().map(|half| half.pkts).sum();
            return self.leave_no_row(packets);
        }
        emit_held(&mut connection, sink);
        events::conclude(&mut connection, &self.config.events, sink);
        self.write(&connection, reason, sink);
    }

    fn write(&mut self, connection: &Connection, reason: CloseReason, sink: &mut impl Sink) {
        self.stats.rows += 1;
        sink.record(connection.record(Some(reason), self.last_loss));
    }

    fn write_attempt(&mut self, attempt: Attempt, reason: CloseReason, sink: &mut impl Sink) {
        let connection = self.connection_of(&attempt, sink);
        self.write(&connection, reason, sink);
    }

    /// The connection that an attempt is, once it has told of itself.
    fn connection_of(&self, attempt: &Attempt, sink: &mut impl Sink) -> Connection {
        let mut connection = attempt.to_connection(self.config.salt, self.config.headers);
        events::note_states(&mut connection, &events::Before::NOTHING, attempt.first(), &self.config.events, sink);
        connection
    }
}

fn header<'a>(uid: u64, n: u8, dir: Direction, packet: &Packet<'a>) -> Header<'a> {
    let Observation { ts, segment, .. } = packet.observation;
    Header { uid, n, ts: *ts, dir, wire_len: segment.ip_len, payload_len: segment.payload_len, bytes: packet.headers }
}

fn emit_header(connection: &mut Connection, packet: &Packet<'_>, sink: &mut impl Sink) {
    let dir = connection.direction_of(packet.observation.segment.sender);
    sink.header(header(connection.uid, connection.headers, dir, packet));
    connection.headers += 1;
}

/// Hands over the headers that waited for the roles to be certain.
fn emit_held(connection: &mut Connection, sink: &mut impl Sink) {
    let held = std::mem::take(&mut connection.held);
    for (n, waiting) in (0u8..).zip(&held) {
        let dir = connection.direction_of(waiting.observation.segment.sender);
        sink.header(header(connection.uid, n, dir, &waiting.packet()));
    }
}
