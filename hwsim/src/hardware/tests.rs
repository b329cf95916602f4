use super::*;
use crate::frame::{Addressing, Builder, Options, TcpHeader};
use wire::{Direction, Endpoint, Family, SeqNum, TcpFlags};

const SECOND: i64 = 1_000_000_000;

fn device(hardware: Hardware) -> Device {
    Device::new(hardware, 1)
}

fn base() -> Hardware {
    *find("exact").unwrap()
}

/// A frame of 100 bytes of payload from one end of a connection that the inside has opened.
fn with_frame<T>(port: u16, from: Direction, work: impl FnOnce(&Frame<'_>) -> T) -> T {
    let ends = [Endpoint::v4([10, 0, 0, 1], port), Endpoint::v4([198, 18, 0, 1], 80)];
    let addressing = Addressing { family: Family::V4, ends, ttl: [60, 50], vlan: None, orig_inside: true };
    let header = TcpHeader {
        seq: SeqNum(1),
        ack: SeqNum(1),
        flags: TcpFlags::ACK,
        window: 1000,
        urgent: 0,
        traffic_class: 0,
        ip_id: 1,
        payload_len: 100,
        options: Options::default(),
    };
    work(&Builder::new(65_535).tcp(&addressing, from, &header))
}

/// Takes `count` frames of as many connections, `gap` nanoseconds apart; gives which were captured.
fn take(device: &mut Device, count: u16, gap: i64) -> Vec<bool> {
    let take = |n: u16| with_frame(n, Direction::Orig, |frame| device.take(Nanos(i64::from(n) * gap), frame).is_some());
    (0..count).map(take).collect()
}

fn share(captured: &[bool]) -> f64 {
    captured.iter().filter(|captured| **captured).count() as f64 / captured.len() as f64
}

#[test]
fn an_exact_device_keeps_every_frame_whole_with_its_instant() {
    let mut device = device(base());
    with_frame(1, Direction::Orig, |frame| {
        let captured = device.take(Nanos(123_456_789), frame).unwrap();
        assert_eq!((captured.ts, captured.bytes, captured.wire_len), (Nanos(123_456_789), frame.bytes, frame.wire_len));
    });
    assert_eq!(device.counters(0), QueueCounters { offered: 1, ..QueueCounters::default() });
}

#[test]
fn a_snaplen_cuts_the_bytes_and_leaves_the_length() {
    let mut device = device(Hardware { snaplen: 60, ..base() });
    with_frame(1, Direction::Orig, |frame| {
        let captured = device.take(Nanos(0), frame).unwrap();
        assert_eq!((captured.bytes.len(), captured.wire_len), (60, 154));
    });
}

#[test]
fn loss_is_counted_by_a_device_that_reports_it_and_by_no_other() {
    for is_reported in [true, false] {
        let mut device = device(Hardware { loss: Loss { share: 0.05, is_reported }, ..base() });
        let captured = take(&mut device, 40_000, 1000);
        assert!((share(&captured) - 0.95).abs() < 0.005, "{}", share(&captured));
        let kept = captured.iter().filter(|captured| **captured).count() as u64;
        let lost = if is_reported { 40_000 - kept } else { 0 };
        assert_eq!(device.counters(0), QueueCounters { offered: kept + lost, lost, overflowed: 0 });
    }
}

#[test]
fn a_ring_takes_a_burst_of_its_size_and_then_what_its_reader_makes_room_for() {
    let ring = Some(Ring { slots: 100, nanos_a_frame: 1000 });
    let mut burst = device(Hardware { ring, ..base() });
    let captured = take(&mut burst, 150, 0);
    assert_eq!(captured, [vec![true; 100], vec![false; 50]].concat());
    assert_eq!(burst.counters(0), QueueCounters { offered: 150, lost: 0, overflowed: 50 });
    let mut slower = device(Hardware { ring, ..base() });
    assert!(take(&mut slower, 10_000, 1000).into_iter().all(|captured| captured), "as fast as its reader");
    let mut faster = device(Hardware { ring, ..base() });
    let captured = take(&mut faster, 40_000, 800);
    assert!((share(&captured) - 0.8).abs() < 0.01, "{}", share(&captured));
}

#[test]
fn a_symmetric_key_keeps_connections_together_and_the_usual_one_parts_most() {
    let together = |rss: Rss| {
        let mut device = device(Hardware { queues: 4, rss, ..base() });
        let mut queue = |port, from| with_frame(port, from, |frame| device.take(Nanos(0), frame).unwrap().queue);
        let same = |port: &u16| queue(*port, Direction::Orig) == queue(*port, Direction::Resp);
        (1000..2000).filter(same).count()
    };
    assert_eq!(together(Rss::Symmetric), 1000);
    assert!((150..350).contains(&together(Rss::Usual)), "{}", together(Rss::Usual));
}

#[test]
fn a_card_divides_the_flows_evenly_and_counts_by_queue() {
    for rss in [Rss::Symmetric, Rss::Usual] {
        let mut device = device(Hardware { queues: 4, rss, ..base() });
        take(&mut device, 8000, 1000);
        let offered: Vec<u64> = (0..4).map(|queue| device.counters(queue).offered).collect();
        assert_eq!(offered.iter().sum::<u64>(), 8000);
        assert!(offered.iter().all(|offered| (1500..2500).contains(offered)), "{offered:?}");
    }
}

#[test]
fn two_taps_part_the_directions_and_stamp_each_by_its_own_clock() {
    let mut device = device(*find("two-taps").unwrap());
    let mut stamp = |at, from| {
        with_frame(1, from, |frame| {
            let captured = device.take(Nanos(at), frame).unwrap();
            (captured.queue, captured.ts.0 - at)
        })
    };
    assert_eq!(stamp(0, Direction::Orig), (0, 0));
    assert_eq!(stamp(0, Direction::Resp), (1, 250_000));
    assert_eq!(stamp(10 * SECOND, Direction::Resp), (1, 270_000));
    assert_eq!(stamp(10 * SECOND, Direction::Orig), (0, 0));
}

#[test]
fn a_coarse_clock_rounds_towards_the_past() {
    let card = find("card-1998").unwrap();
    let Ports::One(clock) = card.ports else { panic!("one port") };
    for (at, shown) in [(0, 0), (13_999, 0), (14_000, 14_000), (30_000, 28_000), (-1, -14_000)] {
        assert_eq!(clock.stamp(Nanos(at), Nanos(0)), Nanos(shown));
    }
}

#[test]
fn a_clock_runs_from_the_first_frame_and_is_set_once() {
    let clock = Clock { offset: 7, drift: -1_000, step: Some(Step { after: 2 * SECOND, by: -SECOND }), ..Clock::EXACT };
    let began = Nanos(100 * SECOND);
    let wrong_by = |seconds: i64| clock.stamp(began.plus(seconds * SECOND), began).since(began) - seconds * SECOND;
    assert_eq!([0, 1, 2, 3].map(wrong_by), [7, 7 - 1_000, 7 - 2_000 - SECOND, 7 - 3_000 - SECOND]);
}

#[test]
fn no_instant_and_no_fault_of_a_clock_overflows() {
    for value in [i64::MIN, -1, 0, 1, i64::MAX] {
        let step = Some(Step { after: value, by: value });
        let clock = Clock { tick: value, offset: value, drift: value, step };
        for at in [i64::MIN, 0, i64::MAX] {
            for began in [i64::MIN, 0, i64::MAX] {
                let _ = clock.stamp(Nanos(at), Nanos(began));
            }
        }
    }
}

#[test]
fn queues_are_named_by_their_port_and_number() {
    let names = |hardware: Hardware| (0..hardware.queues()).map(|queue| hardware.queue_name("sim:x", queue)).collect();
    let found: Vec<Vec<String>> = vec![
        names(base()),
        names(Hardware { queues: 2, ..base() }),
        names(Hardware { queues: 2, ..*find("two-taps").unwrap() }),
    ];
    assert_eq!(found[0], ["sim:x"]);
    assert_eq!(found[1], ["sim:x#0", "sim:x#1"]);
    assert_eq!(found[2], ["sim:x/inside#0", "sim:x/inside#1", "sim:x/outside#0", "sim:x/outside#1"]);
}

#[test]
fn a_seed_loses_the_same_frames_and_another_seed_others() {
    let hardware = Hardware { loss: Loss { share: 0.5, is_reported: true }, ..base() };
    let lost = |seed| take(&mut Device::new(hardware, seed), 1000, 1000);
    assert_eq!(lost(1), lost(1));
    assert_ne!(lost(1), lost(2));
}
