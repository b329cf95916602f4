//! What holds for any packets in any order.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use conntrack::{CloseReason, Config, EventConfig, EventCounts, EventLevel, Heir, Record, Shard};
use proptest::prelude::*;
use support::{Kept, feed, observation, segment};
use wire::{End, Family, FlowHasher, IcmpCode, Nanos, Observation, OptionSet, Packet, SeqNum, TcpFlags};

/// Between two packets, ns: from a step backwards to minutes, often within the millisecond of a capture's duplicate.
fn gaps() -> impl Strategy<Value = i64> {
    prop_oneof![
        (-3000i64..200_000).prop_map(|ms| ms * 1_000_000),
        0i64..2_000_000,
        (0i64..400).prop_map(|ms| ms * 1_000_000),
    ]
}

/// Where time begins: in the ordinary, or where it nearly has an end.
fn starts() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => Just(1_000_000_000_000),
        1 => Just(i64::MIN + 1),
        1 => Just(i64::MIN + 150_000_000_000),
        1 => Just(i64::MAX - 400_000_000_000),
    ]
}

prop_compose! {
    /// Packets of a few flows that often, but not always, make sense.
    fn packets()(start in starts(), steps in prop::collection::vec(
        (0u16..4, any::<bool>(), prop::sample::select(vec![2u16, 18, 16, 16, 24, 17, 20, 4, 1, 0, 3, 0x3f]),
         gaps(), 0u32..6, 0u32..6, prop::sample::select(vec![0u32, 0, 1, 100, 700, 1460]), any::<u8>()), 1..120,
    )) -> Vec<Observation> {
        let mut ts = start;
        let mut clock = Nanos::MIN;
        steps.into_iter().map(|(port, to_server, flags, gap, seq, ack, len, dice)| {
            ts = ts.saturating_add(gap).clamp(i64::MIN + 1, i64::MAX - 1);
            clock = clock.max(Nanos(ts));
            let mut packet = segment(to_server, TcpFlags(flags));
            let [low, high] = [End::Low, End::High].map(|end| {
                let mut endpoint = packet.key.endpoint(end);
                endpoint.port += port;
                endpoint
            });
            let (source, destination) = if packet.sender == End::Low { (low, high) } else { (high, low) };
            (packet.key, packet.sender) = wire::FlowKey::new(packet.key.family(), source, destination);
            packet.seq = SeqNum((u32::MAX - 1000).wrapping_add(seq * 700));
            packet.ack = SeqNum((u32::MAX - 1000).wrapping_add(ack * 700));
            packet.payload_len = len;
            packet.ip_len = 40 + len;
            if dice & 1 == 1 { packet.options.insert(OptionSet::SACK_PERMITTED); }
            packet.ip_id = u16::from(dice >> 1 & 3);
            if dice & 8 == 8 { packet.window = 0; }
            if dice & 16 == 16 {
                packet.options.insert(OptionSet::TIMESTAMPS);
                packet.tsval = (ts / 1_000_000_000) as u32 & 15;
            }
            observation(packet, Nanos(ts), clock)
        }).collect()
    }
}

/// With every kind of event, and a bound that is felt.
fn every_event() -> Config {
    let events = EventConfig { level: EventLevel::All, per_connection: 12 };
    Config { events, interim_every: Some(300_000_000_000), ..Config::default() }
}

fn end(packets: &[Observation]) -> Nanos {
    packets.iter().map(|packet| packet.clock).max().expect("there are packets")
}

fn sorted(kept: &Kept) -> Vec<String> {
    let mut rows: Vec<String> = kept.records.iter().map(|record| format!("{record:?}")).collect();
    rows.extend(kept.headers.iter().map(|header| format!("{header:?}")));
    rows.extend(kept.events.iter().map(|event| format!("{event:?}")));
    rows.sort();
    rows
}

/// The same rows, in whatever order; says which one differs first.
fn assert_same(left: &Kept, right: &Kept) -> Result<(), TestCaseError> {
    let (left, right) = (sorted(left), sorted(right));
    for (left, right) in left.iter().zip(&right) {
        prop_assert_eq!(left, right);
    }
    prop_assert_eq!(left.len(), right.len());
    Ok(())
}

fn packets_of(records: &[Record]) -> u64 {
    records.iter().filter(|record| record.is_final).flat_map(|record| record.halves).map(|half| half.pkts).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_packet_is_in_exactly_one_row_or_came_after_it_was_written(packets in packets()) {
        let kept = feed(&packets, end(&packets), every_event());
        prop_assert_eq!(packets_of(&kept.records) + kept.stats.stragglers.total(), packets.len() as u64);
        let headers: u64 = kept.records.iter().filter(|record| record.is_final).map(|record| u64::from(record.headers)).sum();
        prop_assert_eq!(headers, kept.headers.len() as u64);
        let events: u64 = kept.records.iter().filter(|record| record.is_final).map(|record| u64::from(record.events.recorded)).sum();
        prop_assert_eq!(events, kept.events.len() as u64);
        let series: u64 = kept.intervals.iter().flat_map(|bin| bin.halves).map(|half| half.pkts).sum();
        prop_assert_eq!(series, packets.len() as u64);
        let opened: u64 = kept.intervals.iter().map(|bin| bin.opened).sum();
        prop_assert_eq!(opened, kept.records.iter().filter(|record| record.is_final).count() as u64);
    }

    #[test]
    fn what_ended_is_in_the_series_by_the_time_it_ended(packets in packets()) {
        let kept = feed(&packets, end(&packets), every_event());
        let ended = |row: &&Record| row.is_final && row.close_reason != Some(CloseReason::CampaignEnd);
        let closed: u64 = kept.intervals.iter().map(|bin| bin.closed).sum();
        prop_assert_eq!(closed, kept.records.iter().filter(ended).count() as u64);
        prop_assert!(kept.intervals.iter().all(|bin| bin.ts <= end(&packets)), "{:?}", kept.intervals);
    }

    #[test]
    fn it_does_not_matter_how_often_a_shard_is_told_the_time(packets in packets(), every in 1usize..4) {
        let (mut shard, mut often) = (Shard::new(every_event()), Kept::default());
        let mut clock = packets[0].clock;
        for packet in &packets {
            let steps = every as i64;
            for step in 1..=steps {
                shard.advance(clock.plus(packet.clock.since(clock) / steps * step), &mut often);
            }
            clock = packet.clock;
            shard.step(&Packet { observation: packet, headers: b"header" }, &mut often);
        }
        shard.finish(end(&packets), &mut often);
        assert_same(&feed(&packets, end(&packets), every_event()), &often)?;
    }

    #[test]
    fn no_row_contradicts_itself(packets in packets()) {
        for row in feed(&packets, end(&packets), Config::default()).records {
            let instants = [row.at.syn, row.at.synack, row.at.established, row.at.rst, row.at.closed];
            for instant in instants.into_iter().chain(row.at.fin).chain(row.at.first_data).flatten() {
                prop_assert!(row.ts <= instant && instant <= row.at.last, "{row:#?}");
            }
            prop_assert!(row.syn_rtt.is_none_or(|rtt| rtt >= 0) && row.ack_rtt.is_none_or(|rtt| rtt >= 0));
            for half in row.halves {
                prop_assert!(half.unique_bytes <= half.wire_bytes);
                prop_assert_eq!(half.missed_bytes.is_some(), half.pkts > 0);
                let rates = half.rates;
                prop_assert!(rates.peaks.is_sorted() && rates.peaks[2] <= half.unique_bytes, "{half:#?}");
                prop_assert!(rates.trains.bytes <= half.wire_bytes && rates.flights.bytes == half.wire_bytes, "{half:#?}");
                prop_assert!(rates.slow_start.is_none_or(|(_, bytes)| bytes <= half.unique_bytes), "{half:#?}");
                // Cauchy and Schwarz: no variance is negative.
                let gaps = u128::from(half.pkts.saturating_sub(1));
                prop_assert!(u128::from(rates.gap_sum).pow(2) <= gaps * rates.gap_square_sum, "{half:#?}");
                let segments = half.segments;
                prop_assert_eq!(half.unique_bytes + segments.retrans_bytes + segments.other_bytes, half.wire_bytes);
                prop_assert_eq!(segments.classes.total(), segments.abnormal_pkts);
                prop_assert!(segments.retrans_pkts <= segments.abnormal_pkts && segments.abnormal_pkts <= half.pkts);
                prop_assert!(segments.zero_window_time >= 0);
                let rtt = half.rtt;
                prop_assert!(rtt.min.is_none_or(|min| min >= 0) && rtt.min <= rtt.mean && rtt.mean <= rtt.max, "{rtt:?}");
                prop_assert_eq!(rtt.n > 0, rtt.mean.is_some());
                let by_stamps = half.rtt_ts;
                prop_assert!(by_stamps.min.is_none_or(|min| min >= 0) && by_stamps.min <= by_stamps.mean, "{by_stamps:?}");
                prop_assert!(by_stamps.mean <= by_stamps.max && (by_stamps.n > 0) == by_stamps.mean.is_some(), "{by_stamps:?}");
            }
        }
    }

    #[test]
    fn it_does_not_matter_how_flows_are_spread_over_shards(packets in packets(), shards in 2u32..5) {
        let together = feed(&packets, end(&packets), every_event());
        let mut apart = Kept::default();
        let mut stragglers = 0;
        for shard in 0..shards {
            let mine: Vec<_> = packets.iter().copied().filter(|packet| packet.hash % shards == shard).collect();
            let kept = feed(&mine, end(&packets), every_event());
            apart.records.extend(kept.records);
            apart.headers.extend(kept.headers);
            apart.events.extend(kept.events);
            stragglers += kept.stats.stragglers.total();
        }
        prop_assert_eq!(together.stats.stragglers.total(), stragglers);
        assert_same(&together, &apart)?;
    }

    #[test]
    fn an_attempt_in_a_cache_line_says_the_same_as_a_whole_connection(packets in packets()) {
        // An unknown option makes the tracker keep a whole connection from the start; no column shows it.
        let whole: Vec<_> = packets.iter().map(|packet| {
            let mut packet = *packet;
            packet.segment.options.insert(OptionSet::OTHER);
            packet
        }).collect();
        let [cheap, whole] = [&packets, &whole].map(|packets| feed(packets, end(packets), every_event()));
        assert_same(&cheap, &whole)?;
    }

    #[test]
    fn icmp_errors_about_any_segment_change_no_row_but_in_their_own_columns(packets in packets(), every in 1usize..5, kind in 0u8..13) {
        let Some(code) = IcmpCode::error(Family::V4, kind, 1) else { return Ok(()) };
        let with_errors: Vec<_> = packets.iter().enumerate().flat_map(|(n, packet)| {
            let mut quote = *packet;
            quote.segment.quoted_by = Some(code);
            [Some(*packet), n.is_multiple_of(every).then_some(quote)].into_iter().flatten()
        }).collect();
        let Kept { records: without, stats: stats_without, .. } = feed(&packets, end(&packets), Config::default());
        let (mut shard, mut kept) = (Shard::new(Config::default()), Kept::default());
        for observation in &with_errors {
            shard.step(&Packet { observation, headers: b"header" }, &mut kept);
        }
        shard.finish(end(&packets), &mut kept);
        let (with, stats) = (kept.records, shard.stats());
        let errors: u64 = with.iter().filter(|row| row.is_final).map(|row| u64::from(row.icmp_errors)).sum();
        prop_assert_eq!(errors, stats.icmp_attributed);
        prop_assert_eq!((stats_without.stragglers, stats_without.anomalies), (stats.stragglers, stats.anomalies));
        prop_assert_eq!(errors + stats.icmp_unattributed, packets.len().div_ceil(every) as u64);
        let plain = |rows: Vec<Record>| {
            let mut rows: Vec<String> = rows.into_iter().map(|row| {
                format!("{:?}", Record { icmp_errors: 0, icmp_last: None, events: EventCounts::default(), ..row })
            }).collect();
            rows.sort();
            rows
        };
        prop_assert_eq!(plain(without), plain(with));
    }

    #[test]
    fn tables_of_any_size_lose_no_packet(packets in packets(), room in 1usize..3) {
        let config = Config { max_connections: room, max_attempts: room, ..Config::default() };
        let mut shard = Shard::new(config);
        let mut kept = Kept::default();
        for packet in &packets {
            shard.step(&Packet { observation: packet, headers: b"header" }, &mut kept);
            prop_assert!(shard.stats().live <= 2 * room as u64);
        }
        shard.finish(end(&packets), &mut kept);
        let in_no_row = shard.stats().unrecorded_packets + shard.stats().stragglers.total();
        prop_assert_eq!(packets_of(&kept.records) + in_no_row, packets.len() as u64);
    }
}

/// What comes of the packets where, before packet `at`, a shard saves everything and so many others take it over.
fn handed_over(packets: &[Observation], at: usize, heirs: u32) -> Kept {
    let (before, after) = packets.split_at(at);
    let mut kept = Kept::default();
    let mut first = Shard::new(every_event());
    for observation in before {
        first.step(&Packet { observation, headers: b"header" }, &mut kept);
    }
    let clock = before.iter().map(|packet| packet.clock).max().unwrap_or(Nanos::MIN);
    let mut saved = Vec::new();
    first.save(clock, &mut kept, &mut |item| saved.push(postcard::to_stdvec(&item).expect("it serialises")));
    // Another run hashes and steers otherwise.
    let hasher = FlowHasher::new(99);
    let mut shards: Vec<Heir> = (0..heirs).map(|_| Heir::new(every_event())).collect();
    for item in saved {
        let item: conntrack::Kept = postcard::from_bytes(&item).expect("what was saved");
        match item.key().map(|key| hasher.hash(&key)) {
            Some(hash) => shards[(hash % heirs) as usize].take_over(item, hash),
            None => shards.iter_mut().for_each(|shard| shard.take_over(item.clone(), 0)),
        }
    }
    let mut shards: Vec<Shard> = shards.into_iter().map(|heir| heir.into_shard(clock, &mut kept)).collect();
    for &observation in after {
        let hash = hasher.hash(&observation.segment.key);
        let observation = Observation { hash, ..observation };
        shards[(hash % heirs) as usize].step(&Packet { observation: &observation, headers: b"header" }, &mut kept);
    }
    shards.iter_mut().for_each(|shard| shard.finish(end(packets), &mut kept));
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_one_shard_saves_others_go_on_with_as_if_nothing_had_happened(
        packets in packets(), at in any::<prop::sample::Index>(), heirs in 1u32..4,
    ) {
        let whole = feed(&packets, end(&packets), every_event());
        let handed_over = handed_over(&packets, at.index(packets.len()), heirs);
        assert_same(&whole, &handed_over)?;
        let opened = |kept: &Kept| kept.intervals.iter().map(|bin| (bin.opened, bin.closed)).fold((0, 0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1));
        prop_assert_eq!(opened(&whole), opened(&handed_over));
    }

    #[test]
    fn saved_bytes_with_flipped_bits_are_refused_or_taken_over_without_harm(
        packets in packets(), at in any::<prop::sample::Index>(), flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..4),
    ) {
        let mut kept = Kept::default();
        let mut shard = Shard::new(every_event());
        for observation in &packets {
            shard.step(&Packet { observation, headers: b"header" }, &mut kept);
        }
        let mut saved = Vec::new();
        shard.save(end(&packets), &mut kept, &mut |item| saved.push(postcard::to_stdvec(&item).expect("it serialises")));
        prop_assume!(!saved.is_empty());
        let chosen = at.index(saved.len());
        let bytes = &mut saved[chosen];
        for (index, bit) in flips {
            let at = index.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        if let Ok(item) = postcard::from_bytes::<conntrack::Kept>(bytes) {
            let mut heir = Heir::new(every_event());
            heir.take_over(item, 7);
            heir.into_shard(end(&packets), &mut kept);
        }
    }
}
