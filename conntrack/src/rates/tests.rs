//! The measures against others that keep every packet and look at all of them at the end.

use proptest::prelude::*;

use super::*;

/// A packet that came `after` ns after the one before.
#[derive(Clone, Copy, Debug)]
struct Sent {
    after: i64,
    payload: u64,
    fresh: u64,
}

/// Packets of a direction: bulk, chatter and silence, with retransmissions, equal instants and now and then a late packet or a clock
/// that is set back.
fn stream() -> impl Strategy<Value = Vec<Sent>> {
    let gap = prop_oneof![
        300 => 0i64..40_000,
        40 => Just(0i64),
        40 => 0i64..4_000_000,
        10 => Just(10_000_000i64),
        10 => 9_000_000i64..130_000_000,
        3 => 900_000_000i64..1_100_000_000,
        2 => Just(1_000_000_000i64),
        3 => -5_000_000i64..0,
        1 => -3_000_000_000i64..0,
    ];
    let payload = prop_oneof![8 => Just(1460u64), 2 => 1u64..1460, 1 => Just(65_000u64), 1 => Just(0u64)];
    let sent = (gap, payload, prop_oneof![15 => Just(1u64), 1 => Just(0), 1 => Just(2)]);
    let sent =
        sent.prop_map(|(after, payload, share)| Sent { after, payload, fresh: payload * share.min(1) / share.max(1) });
    prop::collection::vec(sent, 1..1500)
}

/// What the tracker says of a stream, and the segments with payload as it was told of them: instant, payload, new bytes.
fn measure(stream: &[Sent], rtt: Option<i64>) -> (RatesRecord, Vec<Nanos>, Vec<(Nanos, u64, u64)>) {
    let mut rates = Rates::default();
    let mut ts = Nanos::from_secs(1_000_000_000);
    let mut packets = Vec::new();
    let mut data: Vec<(Nanos, u64, u64)> = Vec::new();
    for sent in stream {
        ts = ts.plus(sent.after);
        rates.packet(ts);
        packets.push(ts);
        if sent.payload > 0 {
            let again = sent.fresh < sent.payload;
            let arrival = Arrival { ts, payload: sent.payload, fresh: sent.fresh, again };
            rates.data(arrival, so_far(&data), rtt);
            data.push((ts, sent.payload, sent.fresh));
        }
    }
    (rates.record(so_far(&data)), packets, data)
}

fn so_far(data: &[(Nanos, u64, u64)]) -> Before {
    Before {
        first: data.first().map(|&(ts, ..)| ts),
        payload: data.iter().map(|&(_, payload, _)| payload).sum(),
        unique: data.iter().map(|&(.., fresh)| fresh).sum(),
    }
}

/// The instants at which packets count, in stretches between clocks that were set back by a second or more.
fn stretches(instants: impl Iterator<Item = Nanos>) -> Vec<Vec<i64>> {
    let mut stretches: Vec<Vec<i64>> = vec![Vec::new()];
    for Nanos(ts) in instants {
        let latest = stretches.last().and_then(|stretch| stretch.last()).copied().unwrap_or(ts);
        if latest - ts >= 1_000_000_000 {
            stretches.push(vec![ts]);
        } else if let Some(stretch) = stretches.last_mut() {
            stretch.push(latest.max(ts));
        }
    }
    stretches
}

/// The gaps between packets; 0 where the clock was set back.
fn gaps(instants: impl Iterator<Item = Nanos>) -> Vec<i64> {
    let mut gaps = Vec::new();
    for stretch in stretches(instants) {
        gaps.push(0);
        gaps.extend(stretch.windows(2).map(|pair| pair[1] - pair[0]));
    }
    gaps.remove(0);
    gaps
}

/// The most bytes in a window, looking at each window that begins with a packet, and the most instants in one.
fn fullest(data: &[(Nanos, u64, u64)], width: i64) -> (u64, usize) {
    let mut bytes = data.iter().map(|&(.., fresh)| fresh);
    let (mut most, mut instants) = (0, 0);
    for stretch in stretches(data.iter().map(|&(ts, ..)| ts)) {
        let sizes: Vec<u64> = bytes.by_ref().take(stretch.len()).collect();
        for (at, &begin) in stretch.iter().enumerate() {
            let end = stretch.partition_point(|&ts| ts < begin + width);
            most = most.max(sizes[at..end].iter().sum());
            let mut distinct = stretch[at..end].to_vec();
            distinct.dedup();
            instants = instants.max(distinct.len());
        }
    }
    (most, instants)
}

/// Runs of at least `min` segments between gaps over `limit` halves of a nanosecond.
fn runs(data: &[(Nanos, u64, u64)], limit: i64, min: usize) -> BurstsRecord {
    let gaps = gaps(data.iter().map(|&(ts, ..)| ts));
    let mut runs: Vec<(Vec<u64>, i64)> = Vec::new();
    for (at, &(_, payload, _)) in data.iter().enumerate() {
        match runs.last_mut().filter(|_| gaps[at - 1] * 2 <= limit) {
            Some((sizes, duration)) => {
                sizes.push(payload);
                *duration += gaps[at - 1];
            }
            None => runs.push((vec![payload], 0)),
        }
    }
    runs.retain(|(sizes, _)| sizes.len() >= min);
    let sizes: Vec<u64> = runs.iter().map(|(sizes, _)| sizes.iter().sum()).collect();
    BurstsRecord {
        count: runs.len() as u64,
        bytes: sizes.iter().sum(),
        bytes_max: sizes.iter().copied().max().unwrap_or(0),
        duration: runs.iter().map(|(_, duration)| duration.unsigned_abs()).sum(),
    }
}

/// The end of slow start, and the distinct bytes until then.
fn slow_start(data: &[(Nanos, u64, u64)]) -> Option<(Nanos, u64)> {
    let first = data.first()?.0;
    let late = first.plus(1_000_000_000);
    let (at, &(ts, payload, fresh)) =
        data.iter().enumerate().skip(1).find(|(_, (ts, payload, fresh))| *ts > late || fresh < payload)?;
    let before: u64 = data[..at].iter().map(|&(.., fresh)| fresh).sum();
    Some(if ts > late { (late, before) } else { (ts, before + fresh.min(payload)) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_measures_agree_with_those_of_a_keeper_of_every_packet(
        stream in stream(), rtt in prop_oneof![Just(None), (0i64..30_000_000).prop_map(Some)],
    ) {
        let (record, packets, data) = measure(&stream, rtt);
        let gaps = gaps(packets.into_iter());
        prop_assert_eq!(record.gap_sum, gaps.iter().sum::<i64>() as u64);
        prop_assert_eq!(record.gap_square_sum, gaps.iter().map(|&gap| gap as u128 * gap as u128).sum::<u128>());
        prop_assert_eq!(record.trains, runs(&data, 2_000_000_000, 3));
        prop_assert_eq!(record.flights, runs(&data, rtt.unwrap_or(i64::MAX), 1));
        prop_assert_eq!(record.slow_start, slow_start(&data));
        let (_, instants) = fullest(&data, 1_000_000_000);
        for (found, width) in record.peaks.into_iter().zip([10_000_000, 100_000_000, 1_000_000_000]) {
            let (most, _) = fullest(&data, width);
            prop_assert!(found <= most && most * 8 <= found * 9, "found {found} where {most} bytes came within {width} ns");
            prop_assert!(found == most || instants > 64, "{instants} instants are few enough to be exact");
        }
    }
}

#[test]
fn marks_of_the_fastest_stream_stay_within_their_bound() {
    let mut windows = Windows::default();
    let mut clock = Clock::default();
    // Ten gigabits a second.
    for n in 0..2_000_000i64 {
        windows.add(clock.advance(Nanos(n * 1200)), 1500);
        assert!(windows.len() <= 64);
    }
    for (found, most) in windows.peaks().into_iter().zip([8334, 83_334, 833_334].map(|packets| packets * 1500)) {
        assert!(found <= most && most * 8 <= found * 9, "{found} of {most}");
    }
}

#[test]
fn a_direction_with_one_segment_needs_no_memory_of_its_own() {
    assert_eq!(size_of::<Rates>(), 40);
    assert!(size_of::<Data>() <= 216);
    let (record, ..) = measure(&[Sent { after: 0, payload: 700, fresh: 700 }], None);
    assert_eq!(record.peaks, [700; 3]);
    assert_eq!(record.flights, BurstsRecord { count: 1, bytes: 700, bytes_max: 700, duration: 0 });
    assert_eq!(record.trains.count, 0);
}
