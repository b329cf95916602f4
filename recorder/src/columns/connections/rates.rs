//! Throughput, peaks, trains, flights and inter-arrivals: rates, formed here from the whole numbers of the record.
//!
//! docs/measures.md has the definitions as formulae. A rate over no time at all is missing; one over a short time is given, and whoever
//! makes a distribution of rates should leave out durations under 100 ms.

use conntrack::{BurstsRecord, Record};
use wire::Nanos;

per_direction! {
    "throughput", "bit/s", F64OrNull(|r, side| rate(r.halves[side].unique_bytes, since(r.at.last, r.at.syn))),
        "unique_bytes x 8 over the time from syn_ts to last_ts; missing without a SYN and where that is no time.";
    "throughput_established", "bit/s", F64OrNull(|r, side| established(r, side)),
        "unique_bytes x 8 over the time from established_ts to its last segment with payload; missing where either is, or where that is no time.";
    "setup_share", "", F64OrNull(|r, side| setup_share(r, side)),
        "1 - throughput / throughput_established: the share of the connection's time that lies outside its data phase; missing where either is.";
    "throughput_after_slow_start", "bit/s", F64OrNull(|r, side| after_slow_start(r, side)),
        "unique bytes x 8 that came after slow start, over the time from its end to the last segment with payload. Slow start ends with the first segment that begins below the highest byte seen (no keep-alive), or 1 s after the first data; missing where it did not end.";
    "wire_rate", "bit/s", F64OrNull(|r, side| rate(r.halves[side].ip_bytes, since(r.at.last, r.at.syn))),
        "ip_bytes x 8 (headers and retransmissions) over the time from syn_ts to last_ts; missing without a SYN and where that is no time.";
    "peak_10ms", "bit/s", F64(|r, side| peak(r, side, 0)),
        "maximum over all windows [t, t + 10 ms) of its unique bytes x 8 / 10 ms: exact up to 64 instants with data a second, beyond that at least 8/9 of it and never more.";
    "peak_100ms", "bit/s", F64(|r, side| peak(r, side, 1)),
        "maximum over all windows [t, t + 100 ms) of its unique bytes x 8 / 100 ms: exact up to 64 instants with data a second, beyond that at least 8/9 of it and never more.";
    "peak_1s", "bit/s", F64(|r, side| peak(r, side, 2)),
        "maximum over all windows [t, t + 1 s) of its unique bytes x 8 / 1 s: exact up to 64 instants with data a second, beyond that at least 8/9 of it and never more.";
    "bursts", "", U64(|r, side| r.halves[side].rates.trains.count),
        "trains (Jain and Routhier 1986) that it sent: at least three segments with payload, each at most 1 s after the one before.";
    "burst_bytes_max", "bytes", U64OrNull(|r, side| largest(r.halves[side].rates.trains)),
        "payload of its largest train as seen, retransmissions counted; missing where bursts is 0.";
    "burst_bytes_mean", "bytes", F64OrNull(|r, side| mean_bytes(r.halves[side].rates.trains)),
        "mean payload of its trains as seen, retransmissions counted; missing where bursts is 0.";
    "burst_duration_mean", "s", F64OrNull(|r, side| mean_duration(r.halves[side].rates.trains)),
        "mean time from the first segment of a train to its last; missing where bursts is 0.";
    "burst_rate", "bit/s", F64OrNull(|r, side| burst_rate(r.halves[side].rates.trains)),
        "payload of all its trains x 8 over their durations together; missing where that is no time.";
    "flights", "", U64OrNull(|r, side| flights(r, side).map(|flights| flights.count)),
        "flights that it sent: segments with payload, each at most half of handshake_rtt after the one before; one segment is a flight; missing without handshake_rtt.";
    "flight_bytes_max", "bytes", U64OrNull(|r, side| flights(r, side).and_then(largest)),
        "payload of its largest flight as seen, retransmissions counted; missing where there is none.";
    "flight_bytes_mean", "bytes", F64OrNull(|r, side| flights(r, side).and_then(mean_bytes)),
        "mean payload of its flights as seen, retransmissions counted; missing where there is none.";
    "flight_duration_mean", "s", F64OrNull(|r, side| flights(r, side).and_then(mean_duration)),
        "mean time from the first segment of a flight to its last; missing where there is none.";
    "iat_mean", "s", F64OrNull(|r, side| iat_mean(r, side)),
        "mean time between its successive packets of any kind; one that comes late counts at the latest instant before it; missing with fewer than two packets.";
    "iat_cv", "", F64OrNull(|r, side| iat_cv(r, side)),
        "standard deviation (of the population) over mean of the times between its successive packets; missing with fewer than three packets, or where the mean is 0.";
}

const NANOS_PER_SECOND: f64 = Nanos::PER_SECOND as f64;

/// Bits a second; none over no time.
fn rate(bytes: u64, nanos: Option<i64>) -> Option<f64> {
    let nanos = nanos.filter(|&nanos| nanos > 0)?;
    Some(bytes as f64 * 8.0 * NANOS_PER_SECOND / nanos as f64)
}

fn since(end: Nanos, begin: Option<Nanos>) -> Option<i64> {
    begin.map(|begin| end.since(begin))
}

fn established(row: &Record, side: usize) -> Option<f64> {
    rate(row.halves[side].unique_bytes, since(row.at.last_data[side]?, row.at.established))
}

fn setup_share(row: &Record, side: usize) -> Option<f64> {
    // The bytes are the same in both, so the times are enough; they also hold where no byte is new.
    let whole = since(row.at.last, row.at.syn).filter(|&nanos| nanos > 0)?;
    let data_phase = since(row.at.last_data[side]?, row.at.established).filter(|&nanos| nanos > 0)?;
    Some(1.0 - data_phase as f64 / whole as f64)
}

fn after_slow_start(row: &Record, side: usize) -> Option<f64> {
    let half = &row.halves[side];
    let (end, before) = half.rates.slow_start?;
    rate(half.unique_bytes.saturating_sub(before), since(row.at.last_data[side]?, Some(end)))
}

fn peak(row: &Record, side: usize, window: usize) -> f64 {
    const PER_SECOND: [f64; 3] = [100.0, 10.0, 1.0];
    row.halves[side].rates.peaks[window] as f64 * 8.0 * PER_SECOND[window]
}

/// The flights of a direction, where the round trip that parts them is known.
fn flights(row: &Record, side: usize) -> Option<BurstsRecord> {
    (row.syn_rtt.is_some() && row.ack_rtt.is_some()).then_some(row.halves[side].rates.flights)
}

fn largest(bursts: BurstsRecord) -> Option<u64> {
    (bursts.count > 0).then_some(bursts.bytes_max)
}

fn mean_bytes(bursts: BurstsRecord) -> Option<f64> {
    (bursts.count > 0).then(|| bursts.bytes as f64 / bursts.count as f64)
}

fn mean_duration(bursts: BurstsRecord) -> Option<f64> {
    (bursts.count > 0).then(|| bursts.duration as f64 / bursts.count as f64 / NANOS_PER_SECOND)
}

fn burst_rate(bursts: BurstsRecord) -> Option<f64> {
    rate(bursts.bytes, i64::try_from(bursts.duration).ok())
}

/// How many gaps there are between the packets of a direction.
const fn gaps(row: &Record, side: usize) -> u64 {
    row.halves[side].pkts.saturating_sub(1)
}

fn iat_mean(row: &Record, side: usize) -> Option<f64> {
    let gaps = gaps(row, side);
    (gaps > 0).then(|| row.halves[side].rates.gap_sum as f64 / gaps as f64 / NANOS_PER_SECOND)
}

/// With n gaps of sum S and squares' sum Q: standard deviation / mean = sqrt(n Q - S^2) / S.
fn iat_cv(row: &Record, side: usize) -> Option<f64> {
    let (gaps, rates) = (gaps(row, side), &row.halves[side].rates);
    if gaps < 2 || rates.gap_sum == 0 {
        return None;
    }
    let square = u128::from(rates.gap_sum).pow(2);
    let exact = u128::from(gaps).checked_mul(rates.gap_square_sum).map(|scaled| scaled.saturating_sub(square) as f64);
    // Beyond 2^128, where gaps of years meet gaps of nanoseconds, the squares dwarf what is subtracted.
    let spread = exact.unwrap_or_else(|| (gaps as f64 * rates.gap_square_sum as f64 - square as f64).max(0.0));
    Some(spread.sqrt() / rates.gap_sum as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_over_no_time_is_missing_and_one_over_little_is_given() {
        assert_eq!(rate(1000, Some(0)), None);
        assert_eq!(rate(1000, Some(-1)), None);
        assert_eq!(rate(1000, None), None);
        assert_eq!(rate(1000, Some(1)), Some(8e12));
        assert_eq!(rate(125_000_000, Some(1_000_000_000)), Some(1e9));
    }

    #[test]
    fn means_of_no_burst_are_missing() {
        let none = BurstsRecord::default();
        assert_eq!((largest(none), mean_bytes(none), mean_duration(none), burst_rate(none)), (None, None, None, None));
        let two = BurstsRecord { count: 2, bytes: 3000, bytes_max: 2000, duration: 3_000_000 };
        assert_eq!((largest(two), mean_bytes(two)), (Some(2000), Some(1500.0)));
        assert_eq!((mean_duration(two), burst_rate(two)), (Some(0.0015), Some(8e6)));
    }
}
