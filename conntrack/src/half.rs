//! One endpoint of a connection: its state, its sequence space and what it sent.

use serde::{Deserialize, Serialize};
use wire::{Nanos, OptionSet, Segment, SeqNum, TcpFlags};

use crate::coverage::{Coverage, Range};
use crate::measures::RttRecord;
use crate::moment::Moment;
use crate::rates::{Arrival, Before, Rates};
use crate::record::{HalfRecord, TcpState};
use crate::segments::Trail;
use crate::tcp::window::Window;

/// What is known of one endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Half {
    /// Its state (RFC 9293, 3.3.2), as far as a bystander can know it.
    pub(crate) state: TcpState,
    /// It sent something.
    pub(crate) heard: bool,
    /// It sent a SYN.
    pub(crate) syn_seen: bool,
    /// Its FIN was acknowledged.
    pub(crate) fin_acked: bool,
    /// Its initial sequence number; without a SYN, the number before its first segment.
    pub(crate) base: SeqNum,
    /// What the window rules need.
    pub(crate) window: Window,
    /// The latest acknowledgment it sent.
    pub(crate) last_ack: Option<SeqNum>,
    /// The sequence number after its FIN.
    pub(crate) fin_end: Option<SeqNum>,
    /// The sequence number after a later FIN at another place, or while there is no other after one that lay beyond the window, and when that
    /// came. Which is the right one its peer tells.
    moved_fin: Option<(SeqNum, Nanos)>,
    /// The bytes of it that were seen.
    pub(crate) seen: Coverage,
    /// The furthest position that its peer has believably acknowledged, where that lies beyond what was seen.
    acked_unseen: i64,
    /// What is remembered of its segments.
    pub(crate) trail: Option<Box<Trail>>,
    pub(crate) pkts: u64,
    pub(crate) ip_bytes: u64,
    pub(crate) wire_bytes: u64,
    pub(crate) syn_pkts: u64,
    pub(crate) fin_pkts: u64,
    pub(crate) rst_pkts: u64,
    pub(crate) first_data: Moment,
    pub(crate) last_data: Moment,
    pub(crate) fin: Moment,
    advertised: Option<(u32, u32)>,
    mss: Option<u16>,
    wscale: Option<u8>,
    sack_ok: Option<bool>,
    tsopt: bool,
    ecn: bool,
    ttl: (u8, u8),
    rates: Rates,
    pub(crate) accecn: bool,
    /// When its latest SYN came, IP's identification of it, and whether it was a SYN-ACK.
    syn_stamp: (Moment, u16, bool),
}

/// Within this time a SYN that is the same as the one before is its duplicate in the capture, ns.
pub(crate) const SYN_COPY_WITHIN: i64 = 1_000_000;

impl Half {
    pub(crate) fn new() -> Self {
        Self {
            state: TcpState::Closed,
            heard: false,
            syn_seen: false,
            fin_acked: false,
            base: SeqNum(0),
            window: Window::unknown(),
            last_ack: None,
            fin_end: None,
            moved_fin: None,
            seen: Coverage::starting_at(1),
            acked_unseen: 0,
            trail: None,
            pkts: 0,
            ip_bytes: 0,
            wire_bytes: 0,
            syn_pkts: 0,
            fin_pkts: 0,
            rst_pkts: 0,
            first_data: Moment::NEVER,
            last_data: Moment::NEVER,
            fin: Moment::NEVER,
            advertised: None,
            mss: None,
            wscale: None,
            sack_ok: None,
            tsopt: false,
            ecn: false,
            ttl: (u8::MAX, 0),
            rates: Rates::default(),
            accecn: false,
            syn_stamp: (Moment::NEVER, 0, false),
        }
    }

    /// Reads what the next segment of either endpoint needs of this one, so that it is in the cache then.
    pub(crate) fn touch(&self) -> u64 {
        let numbers = self.base.0 ^ self.window.end.0 ^ self.advertised.map_or(0, |(min, _)| min);
        let instants = u64::from(self.last_data.came()) ^ u64::from(self.fin_acked);
        self.pkts ^ self.wire_bytes ^ self.seen.unique() ^ self.rates.touch_gaps() ^ u64::from(numbers) ^ instants
    }

    /// The same of what stands behind pointers.
    pub(crate) fn touch_behind(&self) -> u64 {
        self.trail.as_deref().map_or(0, Trail::touch) ^ self.rates.touch()
    }

    /// Whether what is used as an index lies within its bounds; of a half that was read and not made here.
    pub(crate) fn is_sound(&self) -> bool {
        self.trail.as_deref().is_none_or(Trail::is_sound) && self.rates.is_sound() && self.window.is_sound()
    }

    /// Starts the sequence space at this segment; its peer has acknowledged `acked`. A keep-alive lies just before that: what it stands on was
    /// there before.
    pub(crate) fn start_at(&mut self, segment: &Segment, acked: Option<SeqNum>) {
        let may_knock = segment.flags.ack() && !segment.flags.fin() && !segment.flags.rst() && segment.payload_len <= 1;
        let knocks = may_knock && acked == Some(segment.seq.plus(1));
        self.base = if segment.flags.syn() || knocks { segment.seq } else { segment.seq.minus(1) };
    }

    /// Whether nothing was seen of it but empty segments at one place, in mid-stream, of which `ack` acknowledges one byte more: they were
    /// keep-alives, just below the next byte.
    pub(crate) fn has_knocked_below(&self, ack: SeqNum) -> bool {
        let at_one_place =
            self.heard && !self.syn_seen && self.seen.unique() == 0 && self.window.end == self.base.plus(1);
        at_one_place && self.fin_end.is_none() && ack == self.base.plus(2)
    }

    /// Starts the sequence space again at another initial sequence number; nothing of it was seen yet.
    pub(crate) fn restart(&mut self, isn: SeqNum) {
        self.base = isn;
        self.window.end = isn.plus(1);
        let forgotten = self.seen.unique();
        self.seen = Coverage::starting_at(1);
        self.acked_unseen = 0;
        if self.trail.is_some() || forgotten > 0 {
            self.trail.get_or_insert_with(|| Box::new(Trail::new())).restart(forgotten);
        }
    }

    /// It sent something beside SYNs.
    pub(crate) fn heard_beyond_syn(&self) -> bool {
        self.pkts > self.syn_pkts
    }

    /// The position of `seq` in the stream: 1 for the first byte of data. It is taken as near to the highest byte seen or acknowledged as it
    /// can be, so that streams may wrap, also while the tap sees nothing of them.
    pub(crate) fn position(&self, seq: SeqNum) -> i64 {
        let near = self.seen.high().max(self.acked_unseen);
        near + i64::from(seq.distance(self.base.plus(near as u32)))
    }

    /// Takes in that its peer has acknowledged `ack`, which is believed: the stream has come as far.
    pub(crate) fn note_acked(&mut self, ack: SeqNum) {
        if self.heard {
            self.acked_unseen = self.acked_unseen.max(self.position(ack));
        }
    }

    /// Counts a segment. Its payload joins the stream unless it came with a RST. `rtt` is the handshake's round trip, ns, if that is
    /// known already. Returns how much of the payload is not new: bytes seen before or before the SYN, or with a RST.
    pub(crate) fn count(&mut self, segment: &Segment, ts: Nanos, rtt: Option<i64>) -> u64 {
        let flags = segment.flags;
        self.heard = true;
        self.pkts += 1;
        self.ip_bytes += u64::from(segment.ip_len);
        self.syn_pkts += u64::from(flags.syn());
        self.fin_pkts += u64::from(flags.fin());
        self.rst_pkts += u64::from(flags.rst());
        self.ttl = (self.ttl.0.min(segment.ttl), self.ttl.1.max(segment.ttl));
        self.tsopt |= segment.options.has(OptionSet::TIMESTAMPS);
        self.ecn |= segment.traffic_class & 0b11 != 0;
        self.accecn |= segment.options.has(OptionSet::ACCURATE_ECN);
        self.rates.packet(ts);
        if segment.payload_len == 0 {
            return 0;
        }
        let payload = u64::from(segment.payload_len);
        let before = self.data_so_far();
        let (fresh, again) = self.cover(segment);
        self.wire_bytes += payload;
        self.first_data.set_first(ts);
        self.last_data.set(ts);
        self.rates.data(Arrival { ts, payload, fresh, again }, before, rtt);
        payload.saturating_sub(fresh)
    }

    /// Whether a SYN is the capture's duplicate of the one before. The SYN-ACK after the SYN of a simultaneous open is not: they may
    /// follow each other at once, and IPv6 has no identification to tell them apart.
    pub(crate) fn repeats_syn(&self, segment: &Segment, ts: Nanos) -> bool {
        let (last, ip_id, answered) = self.syn_stamp;
        let soon = last.get().is_some_and(|last| ts.since(last).saturating_abs() <= SYN_COPY_WITHIN);
        let same = ip_id == segment.ip_id && answered == segment.flags.ack();
        soon && same && self.syn_seen && self.base == segment.seq
    }

    /// Adds the payload of a segment to the stream. Returns how many bytes of it are new, and whether it begins below what was seen, as
    /// no keep-alive does.
    fn cover(&mut self, segment: &Segment) -> (u64, bool) {
        if segment.flags.rst() {
            return (0, false);
        }
        let high = self.seen.high();
        let Range { start, end } = self.payload_of(segment);
        let keepalive = segment.payload_len == 1 && end == high;
        // What comes before the SYN is no part of the stream.
        let start = if self.syn_seen { start.max(1) } else { start };
        (self.seen.add(Range { start, end }), start < high && !keepalive)
    }

    /// Whether none of the payload of a segment was seen.
    pub(crate) fn is_unseen(&self, segment: &Segment) -> bool {
        let payload = self.payload_of(segment);
        self.seen.missing(payload).next() == Some(payload)
    }

    /// Whether the first byte of the payload of a segment was seen.
    pub(crate) fn has_seen_start(&self, segment: &Segment) -> bool {
        let Range { start, end } = self.payload_of(segment);
        start < end && self.seen.missing(Range { start, end: start + 1 }).next().is_none()
    }

    /// Where the payload of a segment lies in the stream.
    fn payload_of(&self, segment: &Segment) -> Range {
        let start = self.position(segment.seq) + i64::from(segment.flags.syn());
        Range { start, end: start + i64::from(segment.payload_len) }
    }

    fn data_so_far(&self) -> Before {
        Before { first: self.first_data.get(), payload: self.wire_bytes, unique: self.seen.unique() }
    }

    /// Takes in its FIN that ends at `end`.
    pub(crate) fn note_fin(&mut self, end: SeqNum, ts: Nanos) {
        match self.fin_end {
            None => {
                self.fin_end = Some(end);
                self.fin.set(ts);
                self.moved_fin = None;
            }
            Some(known) if known != end && !self.fin_acked => self.moved_fin = Some((end, ts)),
            Some(_) => {}
        }
    }

    /// Takes in a segment beyond the window: if it is a FIN, its receiver may yet say that it was the right one.
    pub(crate) fn doubt_fin(&mut self, segment: &Segment, ts: Nanos) {
        if segment.flags.fin() && self.fin_end.is_none() {
            self.moved_fin = Some((segment.seq_end(), ts));
        }
    }

    /// Whether `ack`, which goes beyond all that is believed of the stream, acknowledges exactly the furthest of what was seen beyond it, a FIN.
    pub(crate) fn is_doubted_fin_acked_by(&self, ack: SeqNum) -> bool {
        let is_doubted = self.fin_end.is_none() && self.window.is_doubted(ack);
        is_doubted && self.moved_fin.is_some_and(|(end, _)| end == ack)
    }

    /// Whether `ack` acknowledges its FIN: the first one or, exactly, the latest at another place.
    pub(crate) fn is_fin_acked_by(&self, ack: SeqNum) -> bool {
        let moved = self.moved_fin.is_some_and(|(end, _)| end == ack);
        self.fin_end.is_some_and(|end| moved || !ack.is_before(end))
    }

    /// Takes in that `ack` acknowledges its FIN, which decides which one that is.
    pub(crate) fn fin_was_acked_by(&mut self, ack: SeqNum) {
        self.fin_acked = true;
        if let Some((end, ts)) = self.moved_fin.take_if(|(end, _)| *end == ack) {
            self.fin_end = Some(end);
            self.fin.set(ts);
        }
    }

    /// Takes in what only a SYN says.
    pub(crate) fn note_syn(&mut self, peer_accecn: bool, segment: &Segment, ts: Nanos) {
        self.syn_seen = true;
        self.syn_stamp = (Moment::NEVER, segment.ip_id, segment.flags.ack());
        self.syn_stamp.0.set(ts);
        self.accecn |= says_accecn(segment.flags) && (peer_accecn || !segment.flags.ack());
        self.mss = segment.mss().or(self.mss);
        self.wscale = segment.window_scale();
        self.sack_ok = Some(segment.options.has(OptionSet::SACK_PERMITTED));
        self.ecn |= segment.flags.0 & (wire::TcpFlags::ECE.0 | wire::TcpFlags::CWR.0) != 0;
    }

    /// Its SYN permitted selective acknowledgments.
    pub(crate) fn permits_sack(&self) -> bool {
        self.sack_ok == Some(true)
    }

    /// The window scale option of its SYN.
    pub(crate) const fn wscale(&self) -> Option<u8> {
        self.wscale
    }

    /// Takes in an advertised window, scaled, in bytes.
    pub(crate) fn note_window(&mut self, bytes: u32) {
        let (min, max) = self.advertised.unwrap_or((bytes, bytes));
        self.advertised = Some((min.min(bytes), max.max(bytes)));
    }

    /// Bytes of its stream from its SYN on, or else from its first segment, that its peer has acknowledged, up to `acked`, and that were
    /// never seen; `None` of an endpoint that was never heard.
    fn missed(&self, acked: Option<SeqNum>) -> Option<u64> {
        if !self.heard {
            return None;
        }
        let Some(acked) = acked else { return Some(0) };
        let of_fin = self.fin_end.is_some_and(|end| !acked.is_before(end));
        let end = self.position(acked) - i64::from(of_fin);
        Some(self.seen.missing(Range { start: 1, end }).map(|hole| (hole.end - hole.start).unsigned_abs()).sum())
    }

    /// Its part of the row, of a connection that lasted until `until`. `bytes` is Zeek's count, `acked` what its peer has acknowledged.
    pub(crate) fn record(&self, bytes: Option<u64>, acked: Option<SeqNum>, until: Nanos) -> HalfRecord {
        let trail = self.trail.as_deref();
        HalfRecord {
            state: self.state,
            pkts: self.pkts,
            ip_bytes: self.ip_bytes,
            bytes,
            wire_bytes: self.wire_bytes,
            unique_bytes: self.seen.unique(),
            missed_bytes: self.missed(acked),
            syn_pkts: self.syn_pkts,
            fin_pkts: self.fin_pkts,
            rst_pkts: self.rst_pkts,
            window_min: self.advertised.map(|(min, _)| min),
            window_max: self.advertised.map(|(_, max)| max),
            mss: self.mss,
            wscale: self.wscale,
            sack_ok: self.sack_ok,
            tsopt: self.tsopt,
            ecn: self.ecn,
            ttl_min: self.heard.then_some(self.ttl.0),
            ttl_max: self.heard.then_some(self.ttl.1),
            rates: self.rates.record(self.data_so_far()),
            accecn: self.accecn,
            segments: trail.map(|trail| trail.segments(until)).unwrap_or_default(),
            rtt: trail.map_or(RttRecord::default(), Trail::rtt),
            rtt_ts: trail.map_or(RttRecord::default(), Trail::rtt_ts),
        }
    }
}

/// Whether the flags of a SYN, or of the SYN-ACK that answers it, say Accurate ECN (RFC 9768, 3.1): all three of AE, CWR and ECE in a SYN; in a
/// SYN-ACK, which repeats the ECN field that the SYN arrived with, CWR alone, both of CWR and ECE, AE alone, or AE and CWR.
fn says_accecn(flags: TcpFlags) -> bool {
    const BITS: [TcpFlags; 3] = [TcpFlags::AE, TcpFlags::CWR, TcpFlags::ECE];
    let bits = BITS.map(|bit| flags.has(bit));
    if flags.has(TcpFlags::ACK) { matches!(bits, [false, true, _] | [true, _, false]) } else { bits == [true; 3] }
}
