//! A connection: its two endpoints and what is known of both together.

use serde::{Deserialize, Serialize};
use wire::{Direction, End, Endpoint, FlowKey, Nanos, Observation, Segment, SeqNum};

use crate::anomaly::{Anomalies, Anomaly};
use crate::events::{self, Signs};
use crate::half::{Half, SYN_COPY_WITHIN};
use crate::handshake::Handshake;
use crate::held::Held;
use crate::moment::Moment;
use crate::record::{CloseReason, DirectionBy, Instants, MultipathSubtypes, Record, TcpState};
use crate::shard::Class;
use crate::straggler::is_of_ended;
use crate::tcp::{self, Kind};
use crate::zeek;

/// A connection from its first packet until its row is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Connection {
    pub(crate) key: FlowKey,
    pub(crate) hash: u32,
    pub(crate) uid: u64,
    /// Which end of the key is the originator.
    orig: End,
    direction_by: DirectionBy,
    /// Originator, responder.
    pub(crate) halves: [Half; 2],
    pub(crate) zeek: zeek::View,
    pub(crate) handshake: Handshake,
    pub(crate) anomalies: Anomalies,
    pub(crate) established: Moment,
    pub(crate) rst: Moment,
    pub(crate) rst_by: Option<Direction>,
    /// A RST that silence may confirm: who sent it and when.
    pub(crate) suspect: Option<(Direction, Nanos)>,
    /// Every segment is taken for fitting: the connection was not seen from its start, or the capture lost packets.
    pub(crate) liberal: bool,
    /// An initial sequence number that a second SYN-ACK offered.
    offered_isn: Option<SeqNum>,
    /// The SYNs of what may become a new connection on the tuple.
    pub(crate) pending: Vec<Held>,
    /// Headers that wait for the roles to be certain.
    pub(crate) held: Vec<Held>,
    closed: Option<Closed>,
    first: Nanos,
    last: Nanos,
    /// When the source's clock showed its last packet.
    pub(crate) last_clock: Nanos,
    pub(crate) first_clock: Nanos,
    pub(crate) headers: u8,
    vlan: Option<u16>,
    tunnel: wire::TunnelKind,
    tfo: bool,
    mptcp: bool,
    /// What its Multipath TCP options say, as far as their headers were captured.
    multipath: wire::Multipath,
    /// What it told as events; most connections tell nothing.
    pub(crate) log: Option<Box<events::Log>>,
    /// The boundaries of interim rows that it has left behind.
    pub(crate) interims: u32,
    /// The list of timers that it waits in, and since when.
    pub(crate) timer: (Class, Nanos),
}

/// After how long a SYN without an answer is sent again: a second (RFC 6298, 2.1), and three before that (RFC 2988). What was lost so
/// shortly before the first SYN that was seen may have been an earlier one, ns.
const SYN_TIMEOUT: i64 = 3 * Nanos::PER_SECOND;

/// How and when a connection ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Closed {
    pub(crate) reason: CloseReason,
    /// An endpoint has shown afterwards that it has not heard of it.
    pub(crate) lingers: bool,
    pub(crate) ts: Nanos,
    pub(crate) clock: Nanos,
}

/// What a packet is to the connection that its tuple names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// A segment of it.
    Here,
    /// The SYN of a new connection that takes over the tuple.
    New,
    /// The SYN of what may be a new connection: the next packet tells.
    Pending,
    /// It shows that the pending SYNs opened a new connection, to which it belongs.
    Confirms,
}

impl Connection {
    /// The connection that a packet opens; the packet itself is still to be taken in.
    pub(crate) fn new(observation: &Observation, uid: u64) -> Self {
        let segment = &observation.segment;
        let kind = tcp::classify(segment.flags);
        let (orig, direction_by) = guess_originator(segment, kind);
        let mut zeek = zeek::View::new(observation.ts);
        if direction_by == DirectionBy::Port && orig != segment.sender {
            zeek.flipped_by_port();
        }
        Self {
            key: segment.key,
            hash: observation.hash,
            uid,
            orig,
            direction_by,
            halves: [Half::new(), Half::new()],
            zeek,
            handshake: Handshake::default(),
            anomalies: Anomalies::default(),
            established: Moment::NEVER,
            rst: Moment::NEVER,
            rst_by: None,
            suspect: None,
            liberal: !matches!(kind, Kind::Syn | Kind::SynAck),
            offered_isn: None,
            pending: Vec::new(),
            held: Vec::new(),
            closed: None,
            first: observation.ts,
            last: observation.ts,
            last_clock: observation.clock,
            first_clock: observation.clock,
            headers: 0,
            vlan: segment.vlan(),
            tunnel: segment.tunnel,
            tfo: false,
            mptcp: false,
            multipath: wire::Multipath::default(),
            log: None,
            interims: 0,
            timer: (Class::Attempt, observation.clock),
        }
    }

    /// Reads what every packet needs, so that it is in the cache then: see [`crate::Shard::anticipate`].
    pub(crate) fn touch(&self) -> u64 {
        let [orig, resp] = &self.halves;
        let instants = [self.timer.1, self.last_clock, self.first_clock].map(|instant| instant.0.unsigned_abs());
        let own = u64::from(self.anomalies.0) ^ u64::from(self.interims) ^ u64::from(self.handshake.is_complete());
        orig.touch() ^ resp.touch() ^ self.zeek.touch() ^ own ^ instants[0] ^ instants[1] ^ instants[2]
    }

    /// The same of what stands behind pointers.
    pub(crate) fn touch_behind(&self) -> u64 {
        let [orig, resp] = &self.halves;
        orig.touch_behind() ^ resp.touch_behind()
    }

    /// Takes in a packet that belongs here. Returns its direction, and what it showed.
    pub(crate) fn observe(&mut self, observation: &Observation) -> (Direction, Signs) {
        let segment = &observation.segment;
        let from = self.direction_of(segment.sender);
        let stepped_back = observation.ts < self.last;
        self.note_time(observation);
        self.tfo |= segment.options.has(wire::OptionSet::FAST_OPEN) || segment.flags.syn() && segment.payload_len > 0;
        self.mptcp |= segment.options.has(wire::OptionSet::MPTCP);
        self.settle_isn(from, segment);
        let (sender, receiver) = self.pair_mut(from);
        if !sender.heard {
            sender.start_at(segment, receiver.last_ack);
        }
        let streams = [0, 1].map(|side| {
            let half: &Half = &self.halves[side];
            zeek::Stream { seen: &half.seen, base: half.base }
        });
        let roles = self.zeek.observe(from, segment, observation.ts, streams);
        if roles == zeek::Roles::Flipped {
            self.flip();
        }
        let from = self.direction_of(segment.sender);
        let mut signs = tcp::process(self, from, observation);
        if stepped_back {
            signs.anomalies.insert(Anomaly::ClockStep);
        }
        if self.halves[from.index()].seen.overflowed() && !self.anomalies.has(Anomaly::TooManyHoles) {
            signs.anomalies.insert(Anomaly::TooManyHoles);
        }
        self.anomalies = self.anomalies.with(signs.anomalies);
        (from, signs)
    }

    fn note_time(&mut self, observation: &Observation) {
        self.first = self.first.min(observation.ts);
        self.last = self.last.max(observation.ts);
        self.last_clock = observation.clock;
    }

    /// Takes in what the headers of a segment with a Multipath TCP option say.
    #[cold]
    pub(crate) fn note_multipath(&mut self, headers: &[u8]) {
        self.multipath.add(wire::Multipath::of(headers));
    }

    /// Whether the roles are certain: a SYN-ACK alone may be the echo of a forged SYN.
    pub(crate) fn roles_are_certain(&self) -> bool {
        !self.zeek.is_lone_synack()
    }

    /// The direction of what the end of the key sends.
    pub(crate) fn direction_of(&self, sender: End) -> Direction {
        if sender == self.orig { Direction::Orig } else { Direction::Resp }
    }

    /// Exchanges originator and responder.
    fn flip(&mut self) {
        self.halves.swap(0, 1);
        self.orig = self.orig.other();
        self.rst_by = self.rst_by.map(Direction::other);
        self.suspect = self.suspect.map(|(by, ts)| (by.other(), ts));
        self.direction_by = DirectionBy::SynAck;
    }

    /// The sender and the receiver of a segment.
    pub(crate) fn pair(&self, from: Direction) -> (&Half, &Half) {
        let [orig, resp] = &self.halves;
        if from == Direction::Orig { (orig, resp) } else { (resp, orig) }
    }

    /// The sender and the receiver of a segment.
    pub(crate) fn pair_mut(&mut self, from: Direction) -> (&mut Half, &mut Half) {
        let [orig, resp] = &mut self.halves;
        if from == Direction::Orig { (orig, resp) } else { (resp, orig) }
    }

    /// Whether it is a SYN, perhaps sent again, that nothing has answered.
    pub(crate) fn is_attempt(&self) -> bool {
        let [orig, resp] = &self.halves;
        !resp.heard && orig.syn_seen && orig.pkts == orig.syn_pkts && orig.state == TcpState::SynSent
    }

    /// Whether the capture, which lost packets last by `last_loss`, may have lost some of this connection: since its first packet, its
    /// late segments included, or a SYN before its first, or anything where that was not the originator's SYN.
    fn may_have_lost(&self, last_loss: Nanos) -> bool {
        let earliest = if self.halves[0].syn_seen { self.first_clock.plus(-SYN_TIMEOUT) } else { Nanos::MIN };
        last_loss > Nanos::MIN && last_loss >= earliest
    }

    /// Whether no SYN of it was seen.
    pub(crate) fn is_partial(&self) -> bool {
        !self.halves.iter().any(|half| half.syn_seen)
    }

    /// Whether it has ended; it only takes in late segments then.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// How it ended.
    pub(crate) const fn closed(&self) -> Option<Closed> {
        self.closed
    }

    /// How it ended, if FINs closed it.
    pub(crate) fn closed_by_fins(&self) -> Option<Closed> {
        self.closed.filter(|closed| closed.reason == CloseReason::Fin)
    }

    /// The numbers after the FINs of originator and responder, if both were seen.
    pub(crate) fn fin_ends(&self) -> Option<[SeqNum; 2]> {
        let [orig, resp] = &self.halves;
        Some([orig.fin_end?, resp.fin_end?])
    }

    /// Whether a segment may be of this connection, which FINs have closed.
    pub(crate) fn may_come_late(&self, segment: &Segment) -> bool {
        let from = self.direction_of(segment.sender);
        let ends = self.fin_ends();
        ends.is_some_and(|ends| is_of_ended(segment, ends[from.index()], ends[from.other().index()]))
    }

    /// Takes in that a segment, which is no copy of the capture's, came after the end. Who sends a FIN or data again waits for their
    /// acknowledgment, and goes on doing so at growing intervals (RFC 6298, 5.5).
    pub(crate) fn note_late(&mut self, segment: &Segment) {
        let asks = segment.seq_len() > 0 && !segment.flags.syn() && !segment.flags.rst();
        let lingers = asks && self.closed_by_fins().is_some() && self.may_come_late(segment);
        if let Some(closed) = self.closed.as_mut().filter(|_| lingers) {
            closed.lingers = true;
        }
    }

    /// Ends it.
    pub(crate) fn close(&mut self, reason: CloseReason, ts: Nanos, clock: Nanos) {
        self.closed = Some(Closed { reason, lingers: false, ts, clock });
    }

    /// Silence confirms a suspect RST: it ended then. Returns whether there was one.
    pub(crate) fn confirm_suspect(&mut self) -> bool {
        let Some((by, ts)) = self.suspect.take() else { return false };
        self.rst_by = Some(by);
        self.rst.set(ts);
        for half in &mut self.halves {
            half.state = TcpState::Closed;
        }
        self.close(CloseReason::Rst, ts, self.last_clock);
        true
    }

    /// Decides where the stream of an endpoint begins, if its segments contradict each other. Of two SYN-ACKs the acknowledgment of the
    /// client chooses one. Who only acknowledged before, in a half-open connection (RFC 9293, 3.5.1) or a split handshake, begins with its
    /// SYN or SYN-ACK. Who sends from where its peer expects it, before the start that its SYN-ACK named, began there. And where a capture
    /// begins with a keep-alive, its answer tells that the stream was one byte further.
    fn settle_isn(&mut self, from: Direction, segment: &Segment) {
        let kind = tcp::classify(segment.flags);
        let offered = self.offered_isn;
        let (sender, receiver) = self.pair_mut(from);
        let sent_nothing = sender.heard && sender.seen.unique() == 0;
        if matches!(kind, Kind::Syn | Kind::SynAck) && sender.base != segment.seq {
            if kind == Kind::SynAck && sender.syn_seen && !sender.heard_beyond_syn() {
                self.offered_isn = Some(segment.seq);
                return;
            } else if !sender.syn_seen && sent_nothing && (kind == Kind::SynAck || receiver.syn_seen) {
                sender.restart(segment.seq);
                sender.last_ack = None;
            }
        }
        let continues = matches!(kind, Kind::Ack | Kind::Fin) && receiver.last_ack == Some(segment.seq);
        if continues && sender.syn_seen && sent_nothing && segment.seq.is_before(sender.base) {
            sender.restart(segment.seq.minus(1));
            self.handshake.doubt_synack();
            return;
        }
        if sender.last_ack.is_none() && kind == Kind::Ack && receiver.has_knocked_below(segment.ack) {
            receiver.restart(receiver.base.plus(1));
        }
        let Some(isn) = offered else { return };
        let accepts = matches!(kind, Kind::Ack | Kind::Fin) && receiver.syn_seen;
        if accepts && segment.ack == isn.plus(1) && receiver.base != isn {
            receiver.restart(isn);
        }
        if accepts {
            self.offered_isn = None;
        }
    }

    /// Decides whether a packet belongs here, or to a new connection on the same tuple (RFC 9293, 3.6.1; RFC 6191).
    pub(crate) fn belongs(&self, observation: &Observation) -> Belongs {
        let segment = &observation.segment;
        match tcp::classify(segment.flags) {
            Kind::Syn => self.syn_belongs(observation),
            _ if self.is_confirmation(segment) => Belongs::Confirms,
            _ => Belongs::Here,
        }
    }

    fn syn_belongs(&self, observation: &Observation) -> Belongs {
        let segment = &observation.segment;
        let (sender, receiver) = self.pair(self.direction_of(segment.sender));
        // Its SYN, or the one that its SYN-ACK told of.
        let same_isn = sender.base == segment.seq && (sender.syn_seen || sender.heard && receiver.syn_seen);
        let both_fins = self.halves.iter().all(|half| half.fin_end.is_some());
        // Not above what its sender used up: a new connection's only if its receiver, once in TIME_WAIT, takes it for newer by its
        // timestamp (RFC 6191).
        let used_up = sender.fin_end.is_some_and(|end| segment.seq.is_before(end));
        if let Some(closed) = self.closed {
            // A refused client that tries again with the same number; sooner it is the capture's duplicate.
            let retries = closed.reason == CloseReason::Rst
                && !self.established.came()
                && observation.ts.since(closed.ts) > SYN_COPY_WITHIN;
            let waits = closed.reason == CloseReason::Fin && receiver.state == TcpState::TimeWait;
            return match (same_isn && !retries, waits && used_up) {
                (true, _) => Belongs::Here,
                (false, true) => Belongs::Pending,
                (false, false) => Belongs::New,
            };
        }
        // A SYN that was overtaken by its SYN-ACK, or one half of a simultaneous open or a split handshake.
        let fits_synack = receiver.syn_seen && receiver.last_ack == Some(segment.seq.plus(1));
        let first_of_its_sender = !sender.syn_seen && receiver.syn_seen && !receiver.heard_beyond_syn();
        if same_isn || fits_synack && !sender.syn_seen || first_of_its_sender {
            return Belongs::Here;
        }
        let never_answered = !receiver.heard;
        if both_fins && !used_up || never_answered && sender.syn_seen { Belongs::New } else { Belongs::Pending }
    }

    /// Whether the packet accepts or refuses a pending SYN, or goes on from it. While the connection lives, a stranger can have sent the
    /// SYN, and all that fits it: then only the SYN-ACK of who answers counts, or a RST that would end the connection too. That the
    /// sender of the SYN goes on counts where its peer cannot be heard.
    fn is_confirmation(&self, segment: &Segment) -> bool {
        let Some(held) = self.pending.last() else { return false };
        let syn = &held.observation.segment;
        let (opener, answerer) = self.pair(self.direction_of(syn.sender));
        if segment.sender == syn.sender {
            let goes_on = !segment.flags.syn() && !segment.flags.rst() && segment.seq == syn.seq.plus(1);
            return goes_on && (self.is_closed() || !answerer.heard);
        }
        let answers = match tcp::classify(segment.flags) {
            Kind::SynAck => true,
            Kind::Rst => self.is_closed() || tcp::reset::is_exact(answerer, opener, segment),
            _ => false,
        };
        answers && tcp::acknowledges_syn(segment, syn.seq, syn.payload_len)
    }

    /// Its row. `reason` is why it is written where the connection did not end by itself, or `None` in an interim row; `last_loss` is by
    /// when the capture last lost packets.
    pub(crate) fn record(&self, reason: Option<CloseReason>, last_loss: Nanos) -> Record {
        let [orig, resp] = &self.halves;
        let endpoint = |end| -> Endpoint { self.key.endpoint(end) };
        let (syn_rtt, ack_rtt) = self.handshake.rtts();
        let events = self.log.as_ref().map(|log| log.counts()).unwrap_or_default();
        let (icmp_errors, icmp_last) = self.log.as_ref().map(|log| log.icmp()).unwrap_or_default();
        let until = self.closed.map_or(self.last, |closed| closed.ts);
        Record {
            uid: self.uid,
            ts: self.first,
            family: self.key.family(),
            endpoints: [endpoint(self.orig), endpoint(self.orig.other())],
            is_final: reason.is_some(),
            partial: self.is_partial(),
            direction_by: self.direction_by,
            conn_state: self.zeek.conn_state(),
            history: self.zeek.history(),
            missed_bytes: self.zeek.missed_bytes(),
            vlan: self.vlan,
            tunnel: self.tunnel,
            close_reason: self.closed.map(|closed| closed.reason).or(reason),
            rst_by: self.rst_by,
            at: self.instants(),
            syn_rtt,
            ack_rtt,
            halves: [
                orig.record(self.zeek.bytes(Direction::Orig), resp.last_ack, until),
                resp.record(self.zeek.bytes(Direction::Resp), orig.last_ack, until),
            ],
            headers: self.headers,
            anomalies: self.anomalies,
            events,
            icmp_errors,
            icmp_last,
            tfo: self.tfo,
            mptcp: self.mptcp,
            mptcp_subtypes: MultipathSubtypes(self.multipath.subtypes),
            mptcp_token: self.multipath.token,
            lost_capture: self.may_have_lost(last_loss),
        }
    }

    fn instants(&self) -> Instants {
        let [orig, resp] = &self.halves;
        Instants {
            syn: self.handshake.syn(),
            synack: self.handshake.synack(),
            established: self.established.get(),
            first_data: [orig.first_data.get(), resp.first_data.get()],
            last_data: [orig.last_data.get(), resp.last_data.get()],
            fin: [orig.fin.get(), resp.fin.get()],
            rst: self.rst.get(),
            last: self.last,
            closed: self.closed.map(|closed| closed.ts),
        }
    }
}

/// Who opened the connection, judged by its first packet: the sender of a SYN; of a SYN-ACK for the time being its sender, until
/// data or an acknowledgment shows that the SYN was missed; in mid-stream the end whose port is not well-known (RFC 6335:
/// below 1024) where the other's is, else the sender.
fn guess_originator(segment: &Segment, kind: Kind) -> (End, DirectionBy) {
    const WELL_KNOWN: u16 = 1024;
    let sender = segment.sender;
    let [mine, theirs] = [sender, sender.other()].map(|end| segment.key.endpoint(end).port < WELL_KNOWN);
    match kind {
        Kind::Syn => (sender, DirectionBy::Syn),
        Kind::SynAck => (sender, DirectionBy::First),
        _ if mine != theirs => (if mine { sender.other() } else { sender }, DirectionBy::Port),
        _ => (sender, DirectionBy::First),
    }
}
