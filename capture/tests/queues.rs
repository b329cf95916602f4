//! Pollers and shards in threads: order, back-pressure, loss, the ledger.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic, in its helpers too")]

mod common;

use std::num::NonZeroU32;
use std::sync::atomic::AtomicBool;

use capture::{Config, Inbox, Pace, Pipeline, PollerReport, Received, SeriesNews, Source};
use common::{Script, tcp_frame, udp_frame};
use wire::Interval;

/// What a shard saw: clock, timestamp, sequence number, and whether a loss stood before it.
type Seen = (i64, i64, u32, bool);

fn take_all(mut inbox: Inbox) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut after_loss = false;
    loop {
        let received = inbox.receive(&mut |run| {
            after_loss |= run.lost_by().is_some();
            for packet in run.packets() {
                let o = packet.observation;
                assert_eq!(packet.headers.len(), 40, "IPv4 and TCP without options");
                seen.push((o.clock.0, o.ts.0, o.segment.seq.0, std::mem::take(&mut after_loss)));
            }
        });
        if received == Received::End {
            assert_eq!(inbox.late(), 0);
            return seen;
        }
    }
}

/// A part of the base series, if the news is one.
fn part(news: SeriesNews) -> Option<Interval> {
    match news {
        SeriesNews::Part(part) => Some(part),
        SeriesNews::Past(_) => None,
    }
}

/// Runs sources through to the end, a thread each, and `shards` shards.
fn run(
    sources: Vec<Box<dyn Source>>,
    shards: u32,
    config: &Config,
) -> (Vec<Vec<Seen>>, Vec<PollerReport>, Vec<Interval>) {
    let Pipeline { pollers, inboxes } = Pipeline::new(sources, NonZeroU32::new(shards).unwrap(), config);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let shards: Vec<_> = inboxes.into_iter().map(|inbox| scope.spawn(|| take_all(inbox))).collect();
        let pollers: Vec<_> = pollers
            .into_iter()
            .map(|poller| {
                scope.spawn(|| {
                    let mut intervals = Vec::new();
                    (poller.run(&stop, &mut |news| intervals.extend(part(news))), intervals)
                })
            })
            .collect();
        let (reports, intervals): (Vec<_>, Vec<_>) = pollers.into_iter().map(|poller| poller.join().unwrap()).unzip();
        let seen = shards.into_iter().map(|shard| shard.join().unwrap()).collect();
        for report in &reports {
            assert!(report.counters.balances_with(&report.device), "{report:?}");
        }
        (seen, reports, intervals.concat())
    })
}

/// `count` frames of 97 flows, in time order, numbered.
fn traffic(count: u32) -> Vec<(i64, Vec<u8>)> {
    (0..count).map(|n| (i64::from(n / 2) * 1000, tcp_frame((1000 + (n * 31 % 97) as u16, 80), n))).collect()
}

#[test]
fn any_split_over_sources_and_shards_gives_each_flow_in_the_same_order() {
    let all = traffic(20_000);
    let config = Config { seed: 3, ..Config::default() };
    let (reference, ..) = run(vec![Script::boxed(all.clone(), Pace::Patient)], 1, &config);
    for shards in [1, 2, 8] {
        for (batch, ring) in [(1, 1), (7, 2), (128, 64)] {
            // The upper half of the flows on one tap, the others on a second; the same instants on both.
            let is_first = |frame: &(i64, Vec<u8>)| frame.1[35].is_multiple_of(2);
            let (first, second) = all.iter().cloned().partition(is_first);
            let sources = vec![Script::boxed(first, Pace::Patient), Script::boxed(second, Pace::Patient)];
            let (seen, ..) = run(sources, shards, &Config { batch, ring, ..config.clone() });
            let mut merged = seen.concat();
            for shard in &seen {
                assert!(shard.is_sorted_by_key(|seen| seen.0));
            }
            merged.sort_by_key(|seen| seen.2);
            assert_eq!(merged, reference[0], "{shards} shards, batches of {batch}, rings of {ring}");
        }
    }
}

#[test]
fn two_sources_and_two_shards_with_the_smallest_queues_do_not_wait_for_each_other() {
    // Long runs of one flow at a time, so that one ring fills while the other shard hears nothing, in opposite order on the
    // two sources.
    let run_of = |port: u16, from: i64| (0..3000_i64).map(move |n| (from + n, tcp_frame((port, 80), n as u32)));
    for ports in [(1, 2), (1, 3), (2, 5), (4, 9), (6, 7), (8, 11)] {
        let one: Vec<_> = run_of(ports.0, 0).chain(run_of(ports.1, 3000)).collect();
        let two: Vec<_> = run_of(ports.1, 0).chain(run_of(ports.0, 3000)).collect();
        let config = Config { batch: 1, ring: 1, ..Config::default() };
        let sources = vec![Script::boxed(one, Pace::Patient), Script::boxed(two, Pace::Patient)];
        let (seen, ..) = run(sources, 2, &config);
        assert_eq!(seen.concat().len(), 12_000);
    }
}

#[test]
fn a_file_waits_for_a_slow_shard_and_loses_nothing() {
    let config = Config { batch: 4, ring: 2, ..Config::default() };
    let Pipeline { mut pollers, mut inboxes } =
        Pipeline::new(vec![Script::boxed(traffic(2000), Pace::Patient)], NonZeroU32::MIN, &config);
    let (poller, mut inbox) = (pollers.remove(0), inboxes.remove(0));
    let gauge = poller.gauge();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let poller = scope.spawn(|| poller.run(&stop, &mut |_| {}));
        std::thread::park_timeout(std::time::Duration::from_millis(30));
        assert!(!gauge.read().ended, "it went on without a reader");
        let mut count = 0;
        while inbox.receive(&mut |run| count += run.observations().len()) != Received::End {}
        assert_eq!(count, 2000);
        let report = poller.join().unwrap();
        assert_eq!((report.counters.tcp, report.counters.dropped_queue), (2000, 0));
        assert!(gauge.read().ended);
    });
}

#[test]
fn a_live_source_does_not_wait_but_counts_and_marks_what_is_lost() {
    let config = Config { batch: 4, ring: 2, ..Config::default() };
    let mut frames = traffic(100);
    frames.push((60_000, udp_frame((53, 53), b"x")));
    let Pipeline { mut pollers, mut inboxes } =
        Pipeline::new(vec![Script::boxed(frames, Pace::Live)], NonZeroU32::MIN, &config);
    let (mut poller, mut inbox) = (pollers.remove(0), inboxes.remove(0));
    let mut seen = Vec::new();
    let (stop, mut lost) = (AtomicBool::new(false), 0);
    let mut tell = |news| lost += part(news).map_or(0, |part| part.lost);
    // The shard looks for the first time when the source has shown all it has.
    (0..1000).for_each(|_| assert!(poller.step(&stop, &mut tell), "two batches lie in the ring, and one beside it"));
    let mut receive = || inbox.receive(&mut |run| seen.extend(run.observations().iter().map(|o| o.segment.seq.0)));
    while poller.step(&stop, &mut tell) {
        receive();
    }
    let report = poller.finish(&mut tell);
    while receive() != Received::End {}
    assert_eq!((report.counters.tcp, report.counters.dropped_queue), (12, 88));
    assert!(report.counters.balances_with(&report.device));
    assert_eq!(seen, (0..12).collect::<Vec<_>>());
    assert_eq!(lost, 88);
}

#[test]
fn a_shard_that_is_gone_costs_its_packets_and_nothing_else() {
    let Pipeline { mut pollers, inboxes } =
        Pipeline::new(vec![Script::boxed(traffic(500), Pace::Patient)], NonZeroU32::MIN, &Config::default());
    drop(inboxes);
    let report = pollers.remove(0).run(&AtomicBool::new(false), &mut |_| {});
    assert_eq!(report.counters.tcp + report.counters.dropped_queue, 500);
    assert!(report.counters.balances_with(&report.device));
}

#[test]
fn drops_of_the_device_mark_the_first_packet_after_them_to_each_shard() {
    let mut script = Script::new(traffic(300), Pace::Patient);
    script.a_poll = 100;
    script.drops = vec![(100, 5), (200, 2)];
    let (seen, reports, intervals) = run(vec![Box::new(script)], 2, &Config { seed: 1, ..Config::default() });
    for shard in &seen {
        let marked: Vec<_> = shard.iter().filter(|seen| seen.3).map(|seen| seen.2).collect();
        assert_eq!(marked.len(), 2);
        assert!((100..110).contains(&marked[0]) && (200..210).contains(&marked[1]), "{marked:?}");
    }
    assert_eq!(reports[0].device.dropped(), 7);
    assert_eq!(intervals.iter().map(|interval| interval.lost).sum::<u64>(), 7);
}

#[test]
fn what_is_not_tcp_is_counted_by_protocol_and_by_bin() {
    let mut frames = Vec::new();
    for n in 0..10_i64 {
        frames.push((n * 4_000_000, udp_frame((1, 2), b"abc")));
        frames.push((n * 4_000_000, [&[0; 12][..], &[0x08, 0x06], &[0; 28]].concat()));
    }
    frames.push((36_000_000, vec![0; 5]));
    frames.push((1_000_000, tcp_frame((1, 2), 0)));
    let (_, reports, mut intervals) = run(vec![Script::boxed(frames, Pace::Patient)], 1, &Config::default());
    let counters = &reports[0].counters;
    let names: Vec<_> = counters.not_tcp_by_name().map(|(name, count)| format!("{name}={count}")).collect();
    assert_eq!(names, ["udp=10", "arp=10"]);
    assert_eq!((counters.tcp, counters.rejected(), counters.clock_steps), (1, 1, 1));
    assert_eq!((counters.first.unwrap().0, counters.last.unwrap().0), (0, 36_000_000));
    intervals.sort_by_key(|interval| interval.ts);
    let bins: Vec<_> = intervals.iter().map(|i| (i.ts.0, i.other.udp, i.other.non_ip, i.other.rejected)).collect();
    assert_eq!(bins, [(0, 3, 3, 0), (10_000_000, 2, 2, 0), (20_000_000, 3, 3, 0), (30_000_000, 2, 2, 1)]);
}

#[test]
fn one_frame_from_the_far_future_takes_the_clock_no_further_than_the_next_agrees() {
    const SECOND: i64 = 1_000_000_000;
    let clocks = |stamps: &[i64]| {
        let frame = |(&at, n): (&i64, u32)| (at * SECOND, tcp_frame((1000 + n as u16 % 3, 80), n));
        let frames = stamps.iter().zip(0..).map(frame).collect();
        let (seen, reports, _) = run(vec![Script::boxed(frames, Pace::Patient)], 1, &Config::default());
        assert_eq!(reports[0].counters.tcp, stamps.len() as u64);
        assert!(seen[0].iter().map(|seen| seen.1 / SECOND).eq(stamps.iter().copied()), "timestamps stay as they are");
        seen[0].iter().map(|seen| seen.0 / SECOND).collect::<Vec<_>>()
    };
    assert_eq!(clocks(&[1, 2, 9999, 3, 4]), [1, 2, 3, 3, 4]);
    assert_eq!(clocks(&[9999, 1, 2]), [9999, 9999, 9999], "of the first nobody knows");
    assert_eq!(clocks(&[1, 2, 9998, 9999, 3]), [1, 2, 9998, 9999, 9999], "two say that time has passed");
    assert_eq!(clocks(&[1, 9999, 5000, 2, 3]), [1, 5000, 5000, 5000, 5000], "to where both agree");
    assert_eq!(clocks(&[1, 9999, 20_000, 30_000]), [1, 9999, 20_000, 30_000], "long silences are nothing else");
    assert_eq!(clocks(&[1, 8, 2, 15]), [1, 8, 8, 15], "and what is not far goes on at once");
}

#[test]
fn a_stop_ends_a_source_and_what_was_read_is_handed_over() {
    let Pipeline { mut pollers, mut inboxes } =
        Pipeline::new(vec![Script::boxed(traffic(5000), Pace::Patient)], NonZeroU32::MIN, &Config::default());
    let report = pollers.remove(0).run(&AtomicBool::new(true), &mut |_| {});
    assert_eq!(report.counters.tcp, 0);
    let mut inbox = inboxes.remove(0);
    assert_eq!(inbox.receive(&mut |_| {}), Received::End);
}
