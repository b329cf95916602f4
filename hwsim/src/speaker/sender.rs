//! The sending half of a speaker: what may be sent now, what must be sent again, and why.

use wire::Nanos;

use super::congestion::Congestion;
use super::flight::{DUPLICATE_THRESHOLD, Flight, Sent};
use super::segment::{Cause, Segment};
use super::timers::{Rto, Samples};

/// Times that a segment, or a probe, is sent again before its sender gives up.
const RETRIES: u8 = 6;
/// Payload of a full segment until the peer has said (RFC 9293, 3.7.1).
const DEFAULT_MSS: u16 = 536;

/// The sending half.
#[derive(Debug)]
pub(super) struct Sender {
    /// Oldest position that is not acknowledged.
    una: u64,
    /// Next position to send.
    nxt: u64,
    /// Furthest position that was ever sent: beyond the next one only when a probe carried a byte.
    max: u64,
    /// End of what the application has written.
    written: u64,
    /// The application has closed: a FIN follows the last byte written.
    closing: bool,
    /// The first position that the peer's window does not grant.
    edge: u64,
    /// Payload bytes of a full segment.
    mss: u64,
    /// The peer sends SACK blocks.
    sack: bool,
    flight: Flight,
    congestion: Congestion,
    rto: Rto,
    duplicates: u32,
    /// Duplicates of an acknowledgment up to here may come from what was resent unnecessarily (RFC 6582, 3.2).
    recovered: u64,
    /// The first segment of a recovery goes out whatever is under way.
    urgent: bool,
    /// When the SYN left, unless it was sent again.
    syn_left: Option<Nanos>,
    retries: u8,
    max_retries: u8,
    /// The timer is that of a closed window.
    persists: bool,
    /// When the retransmission timer, or that of a closed window, fires.
    pub(super) timer: Nanos,
}

/// A piece of the sequence space to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) seq: u64,
    pub(super) len: u16,
    pub(super) fin: bool,
    /// It ends what the application has written.
    pub(super) push: bool,
    pub(super) cause: Cause,
}

/// What the timer makes of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timeout {
    /// Send again what is lost.
    Again,
    /// Ask whether the window has opened.
    Probe,
    /// It has been tried often enough.
    GiveUp,
}

impl Sender {
    /// A sender that has sent nothing; its timeout exceeds the smoothed round trip by `floor` (ns) at least.
    pub(super) fn new(floor: i64) -> Self {
        Self {
            una: 0,
            nxt: 0,
            max: 0,
            written: 1,
            closing: false,
            edge: 0,
            mss: u64::from(DEFAULT_MSS),
            sack: false,
            flight: Flight::default(),
            congestion: Congestion::new(u64::from(DEFAULT_MSS)),
            rto: Rto::new(floor),
            duplicates: 0,
            recovered: 0,
            urgent: false,
            syn_left: None,
            retries: 0,
            max_retries: RETRIES,
            persists: false,
            timer: Nanos::MAX,
        }
    }

    /// It gives up after so many retries.
    pub(super) const fn give_up_after(&mut self, retries: u8) {
        self.max_retries = retries;
    }

    /// The SYN leaves at `departure`: it waits for its acknowledgment from then on.
    pub(super) fn syn(&mut self, departure: Nanos) {
        self.syn_left = (self.max == 0).then_some(departure);
        self.nxt = self.nxt.max(1);
        self.max = self.max.max(1);
        self.timer = departure.plus(self.rto.value());
    }

    /// Takes as much of what is written as goes with a SYN; gives its length.
    pub(super) fn syn_data(&mut self) -> u16 {
        let len = (self.written - 1).min(self.mss) as u16;
        self.flight.push(Sent::new(1, len, false, true));
        self.nxt = 1 + u64::from(len);
        self.max = self.nxt;
        len
    }

    /// Full segments carry `mss` bytes, and the peer sends SACK blocks or not.
    pub(super) fn agree(&mut self, mss: u16, sack: bool) {
        self.mss = u64::from(mss.max(1));
        self.sack = sack;
        self.congestion = Congestion::new(self.mss);
    }

    /// The SYN is acknowledged at least, all before `ack`.
    pub(super) fn open(&mut self, ack: u64, now: Nanos) {
        if let Some(left) = self.syn_left.take() {
            self.rto.sample(now.since(left));
        }
        self.una = ack.max(1);
        self.flight.acknowledge(self.una);
        self.retries = 0;
        self.rto.restore();
        self.arm(now);
    }

    /// What went with the SYN was left out of its acknowledgment.
    pub(super) fn syn_data_refused(&mut self) {
        self.flight.lose_all();
    }

    /// The peer grants this many bytes from `ack` on.
    pub(super) fn grant(&mut self, ack: u64, window: u64) {
        self.edge = self.edge.max(ack + window);
    }

    /// The application writes; gives the position after what it has written. After a close it writes nothing.
    pub(super) const fn write(&mut self, bytes: u64) -> u64 {
        if !self.closing {
            self.written += bytes;
        }
        self.written
    }

    /// The application closes.
    pub(super) const fn close(&mut self) {
        self.closing = true;
    }

    /// Whether the application has closed.
    pub(super) const fn is_closing(&self) -> bool {
        self.closing
    }

    /// Next position to send.
    pub(super) const fn position(&self) -> u64 {
        self.nxt
    }

    /// Furthest position that was sent.
    pub(super) const fn furthest(&self) -> u64 {
        self.max
    }

    /// The round trips that it measured.
    pub(super) const fn samples(&self) -> Samples {
        self.rto.samples()
    }

    /// Its timer never fires again.
    pub(super) const fn stop(&mut self) {
        self.timer = Nanos::MAX;
    }

    /// The next chunk that the windows allow.
    pub(super) fn next(&mut self) -> Option<Chunk> {
        match self.flight.next_lost() {
            Some(lost) => self.again(&lost),
            None => self.fresh(),
        }
    }

    fn again(&mut self, lost: &Sent) -> Option<Chunk> {
        let len = lost.end() - lost.start;
        let fits = self.flight.pipe() == 0 || self.flight.pipe() + len <= self.congestion.window();
        if !fits && !self.urgent {
            return None;
        }
        self.urgent = false;
        let cause = match (lost.len, self.congestion.recovers()) {
            (0, _) => Cause::Fin,
            (_, true) => Cause::Fast,
            (_, false) if self.congestion.resends() => Cause::Timeout,
            (_, false) => Cause::SynData,
        };
        self.flight.resend(lost.start);
        Some(Chunk { seq: lost.start, len: lost.len, fin: lost.fin, push: lost.push, cause })
    }

    fn fresh(&mut self) -> Option<Chunk> {
        // Without SACK each duplicate acknowledgment tells of a segment that has arrived, but not of which.
        let arrived = if self.sack { 0 } else { u64::from(self.duplicates) * self.mss };
        let under_way = self.flight.pipe().saturating_sub(arrived);
        let granted = self.edge.saturating_sub(self.nxt);
        let allowed = self.congestion.window().saturating_sub(under_way).min(granted);
        let left = self.written.saturating_sub(self.nxt);
        let len = left.min(self.mss).min(allowed);
        // A part of a segment waits for the window, unless nothing else is under way (RFC 9293, 3.8.6.2.1).
        if len < left.min(self.mss) && (len == 0 || !self.flight.is_empty()) {
            return None;
        }
        let seq = self.nxt;
        let fin = self.closing && seq + len == self.written && granted > len;
        if len == 0 && !fin {
            return None;
        }
        let push = len > 0 && seq + len == self.written;
        let sent = Sent::new(seq, len as u16, fin, push);
        self.nxt = sent.end();
        self.max = self.max.max(self.nxt);
        self.flight.push(sent);
        Some(Chunk { seq, len: len as u16, fin, push, cause: Cause::New })
    }

    /// The chunk that starts there left at `departure`.
    pub(super) fn sent(&mut self, start: u64, departure: Nanos) {
        self.flight.left(start, departure);
        if self.timer == Nanos::MAX || self.persists || start == self.una {
            self.persists = false;
            self.timer = departure.plus(self.rto.value());
        }
    }

    /// Takes the acknowledgment that a segment carries; `window` is what it grants, in bytes, `bare` that it carries nothing else.
    pub(super) fn acknowledged(&mut self, segment: &Segment, window: u64, bare: bool, now: Nanos) {
        let ack = segment.ack;
        if ack > self.max || ack < self.una {
            return;
        }
        let edge = self.edge;
        self.grant(ack, window);
        let news = self.sack && self.flight.arrived(segment.sack.as_slice());
        if ack > self.una {
            self.advance(ack, now);
        } else if bare && edge == self.edge && !self.flight.is_empty() && (news || !self.sack) {
            self.duplicates += 1;
        }
        self.look_for_losses(news);
        if self.persists {
            self.retries = 0;
        }
        if self.flight.is_empty() {
            self.arm(now);
        }
    }

    fn advance(&mut self, ack: u64, now: Nanos) {
        let acknowledged = self.flight.acknowledge(ack);
        self.una = ack;
        self.nxt = self.nxt.max(ack);
        self.duplicates = 0;
        self.retries = 0;
        self.rto.restore();
        if let Some(left) = acknowledged.sent_at {
            self.rto.sample(now.since(left));
        }
        self.congestion.acknowledged(acknowledged.positions, ack, self.edge - ack);
        if self.congestion.recovers() && !self.sack {
            // A part was acknowledged: what follows it is lost too (RFC 6582, 3.2).
            self.flight.lose_oldest();
            self.urgent = true;
        }
        self.persists = false;
        self.arm(now);
    }

    /// Starts or goes on with a recovery, if duplicate acknowledgments or SACK blocks give reason to.
    fn look_for_losses(&mut self, news: bool) {
        let judged = news && self.flight.judge();
        if self.congestion.resends() || self.flight.is_empty() {
            return;
        }
        let enough = self.duplicates >= DUPLICATE_THRESHOLD && (self.sack || self.una > self.recovered);
        if judged || enough {
            self.flight.lose_oldest();
            self.congestion.recover(self.max - self.una, self.max);
            self.recovered = self.max;
            self.urgent = true;
        }
    }

    /// The peer echoes a mark; whether it is told that the window is reduced.
    pub(super) fn marked(&mut self) -> bool {
        self.congestion.marked(self.max - self.una, self.max)
    }

    /// Sets the timer for the oldest segment under way, or for a window that is closed.
    fn arm(&mut self, now: Nanos) {
        let waits = self.written > self.nxt || (self.closing && self.nxt == self.written);
        self.timer = match self.flight.oldest_left() {
            Some(left) => now.max(left).plus(self.rto.value()),
            None if waits && self.edge <= self.nxt && self.persists => self.timer,
            None if waits && self.edge <= self.nxt => {
                self.persists = true;
                now.plus(self.rto.value())
            }
            None => {
                self.persists = false;
                Nanos::MAX
            }
        };
    }

    /// Having nothing under way, it looks whether it waits for a window to open.
    pub(super) fn rest(&mut self, now: Nanos) {
        if self.una > 0 && self.flight.is_empty() {
            self.arm(now);
        }
    }

    /// The timer has fired.
    pub(super) fn time_out(&mut self) -> Timeout {
        self.timer = Nanos::MAX;
        if self.retries >= self.max_retries {
            return Timeout::GiveUp;
        }
        self.retries += 1;
        self.rto.back_off();
        if self.persists {
            return Timeout::Probe;
        }
        self.syn_left = None;
        if self.una > 0 {
            self.flight.lose_all();
            self.congestion.time_out(self.max - self.una, self.max);
            self.recovered = self.max;
            self.duplicates = 0;
        }
        Timeout::Again
    }

    /// A probe of the closed window, with a byte if `with_byte` and if there is one.
    pub(super) fn probe(&mut self, with_byte: bool, now: Nanos) -> Chunk {
        self.timer = now.plus(self.rto.value());
        let len = u16::from(with_byte && self.written > self.nxt);
        let seq = if len == 0 { self.nxt - 1 } else { self.nxt };
        self.max = self.max.max(seq + u64::from(len));
        Chunk { seq, len, fin: false, push: false, cause: Cause::Probe }
    }
}

#[cfg(test)]
mod tests;
