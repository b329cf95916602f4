//! How fast and how unevenly an endpoint sends: sliding peaks, trains, flights, inter-arrivals, the rate after slow start.
//!
//! All of it is computed while the packets pass, over the whole life of a connection. What is kept are whole numbers (bytes,
//! nanoseconds, counts); rates are formed from them where a row is written, so that no figure drifts or depends on how a stream
//! was cut into batches. docs/measures.md has the definitions as formulae.
//!
//! | | holds | made |
//! | --- | --- | --- |
//! | [`Rates`] | 40 bytes a direction | with the connection |
//! | [`Data`] | 216 bytes, and 8 for each of its marks | with the second segment with payload |
//! | marks of [`Windows`] | 4 at first, at most 64 | doubled when full within a second |
//!
//! A packet costs a multiplication and a few additions; nothing is divided, and nothing is allocated once a second's marks have
//! found their room.

mod bursts;
mod clock;
mod gaps;
mod record;
mod slow_start;
#[cfg(test)]
mod tests;
mod windows;

use serde::{Deserialize, Serialize};
use wire::Nanos;

use bursts::Bursts;
use clock::Clock;
use gaps::Gaps;
pub use record::{BurstsRecord, RatesRecord};
use slow_start::SlowStart;
use windows::Windows;

/// A gap longer than this parts two trains, ns (Jain and Routhier 1986 call it the maximum allowed inter-car gap).
const TRAIN_GAP: i64 = Nanos::PER_SECOND;
/// Fewer packets are no train.
const TRAIN_PKTS: u32 = 3;
/// A single packet is a flight.
const FLIGHT_PKTS: u32 = 1;

/// The measures of one direction.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rates {
    gaps: Gaps,
    /// Half of all directions carry one segment with payload or none; what that needs is known elsewhere.
    data: Option<Box<Data>>,
}

/// A segment with payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) ts: Nanos,
    /// Its payload.
    pub(crate) payload: u64,
    /// Bytes of it that were not seen before.
    pub(crate) fresh: u64,
    /// It begins below what was seen already, and is no keep-alive.
    pub(crate) again: bool,
}

/// What was known of a direction's data before a segment arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    /// The first segment with payload.
    pub(crate) first: Option<Nanos>,
    /// Payload of all segments.
    pub(crate) payload: u64,
    /// Distinct bytes of it.
    pub(crate) unique: u64,
}

/// What more than one segment with payload needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Data {
    clock: Clock,
    windows: Windows,
    trains: Bursts<TRAIN_PKTS>,
    flights: Bursts<FLIGHT_PKTS>,
    slow_start: SlowStart,
}

impl Rates {
    /// Takes in any packet of the direction.
    pub(crate) fn packet(&mut self, ts: Nanos) {
        self.gaps.add(ts);
    }

    /// Takes in a segment with payload. `rtt` is the round trip of the handshake, ns, once it is known.
    pub(crate) fn data(&mut self, arrival: Arrival, before: Before, rtt: Option<i64>) {
        let Some(first) = before.first else { return };
        let data = self.data.get_or_insert_with(|| Box::new(Data::starting_with(first, before)));
        data.add(arrival, rtt);
        data.slow_start.add(arrival, first, before.unique);
    }

    /// Whether what is used as an index lies within its bounds.
    pub(crate) fn is_sound(&self) -> bool {
        self.data.as_deref().is_none_or(|data| data.windows.is_sound())
    }

    /// Reads what the next packet needs, so that it is in the cache then.
    pub(crate) fn touch_gaps(&self) -> u64 {
        self.gaps.sums().0
    }

    /// Reads what the next segment with payload needs, so that it is in the cache then.
    pub(crate) fn touch(&self) -> u64 {
        self.data.as_deref().map_or(0, |data| data.windows.touch() ^ data.trains.touch() ^ data.flights.touch())
    }

    /// Its part of the row; `all` is what is known of the direction's data in the end.
    pub(crate) fn record(&self, all: Before) -> RatesRecord {
        let alone;
        let data = match (&self.data, all.first) {
            (Some(data), _) => Some(&**data),
            (None, Some(first)) => {
                alone = Data::starting_with(first, all);
                Some(&alone)
            }
            (None, None) => None,
        };
        let (gap_sum, gap_square_sum) = self.gaps.sums();
        let gaps = RatesRecord { gap_sum, gap_square_sum, ..RatesRecord::default() };
        data.map_or(gaps, |data| RatesRecord {
            peaks: data.windows.peaks(),
            trains: data.trains.record(),
            flights: data.flights.record(),
            slow_start: data.slow_start.end(),
            ..gaps
        })
    }
}

impl Data {
    /// After the first segment with payload, the only one that `so_far` knows of.
    fn starting_with(first: Nanos, so_far: Before) -> Self {
        let mut data = Self {
            clock: Clock::default(),
            windows: Windows::default(),
            trains: Bursts::default(),
            flights: Bursts::default(),
            slow_start: SlowStart::default(),
        };
        data.add(Arrival { ts: first, payload: so_far.payload, fresh: so_far.unique, again: false }, None);
        data
    }

    fn add(&mut self, arrival: Arrival, rtt: Option<i64>) {
        let tick = self.clock.advance(arrival.ts);
        self.windows.add(tick, arrival.fresh);
        self.trains.add(tick.gap, tick.gap > TRAIN_GAP, arrival.payload);
        let lands = rtt.is_some_and(|rtt| tick.gap > rtt - tick.gap);
        self.flights.add(tick.gap, lands, arrival.payload);
    }
}
