//! The merge against a model: whatever the interleaving, what comes out is what a sort would give.

use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use wire::{Endpoint, Family, FlowKey, OptionSet, Segment, SeqNum, TcpFlags, TunnelKind};

use super::*;
use crate::rings::{Lane, LaneSize, lane};

/// A segment that carries a number.
fn segment(number: u32) -> Segment {
    let (key, sender) = FlowKey::new(Family::V4, Endpoint::v4([10, 0, 0, 1], 1), Endpoint::v4([10, 0, 0, 2], 2));
    Segment {
        key,
        sender,
        ttl: 64,
        traffic_class: 0,
        wscale: 0,
        payload_len: 0,
        ip_len: 40,
        seq: SeqNum(number),
        ack: SeqNum(0),
        tsval: 0,
        tsecr: 0,
        sack: Default::default(),
        sack_count: 0,
        tunnel: TunnelKind::None,
        flags: TcpFlags::ACK,
        window: 0,
        urgent: 0,
        ip_id: 0,
        mss: 0,
        vlan: Segment::NO_VLAN,
        options: OptionSet(0),
        quoted_by: None,
    }
}

fn queues(paces: &[Pace], size: LaneSize, patience: Duration) -> (Vec<Lane>, Inbox) {
    let shard = Parker::new();
    let pairs = paces.iter().map(|&pace| lane(size, pace, Parker::new().unparker().clone(), shard.unparker().clone()));
    let (lanes, feeds): (Vec<_>, Vec<_>) = pairs.unzip();
    let inbox = Inbox::new(feeds.into_iter().zip(paces.iter().copied()).collect(), shard, patience);
    (lanes, inbox)
}

const SMALL: LaneSize = LaneSize { observations: 3, batches: 2, headers: true };

/// (clock, source, number) of what an inbox hands out, with the headers checked on the way.
fn collect(inbox: &mut Inbox, got: &mut Vec<(i64, u32)>) -> Received {
    inbox.try_receive(&mut |run| {
        for packet in run.packets() {
            let number = packet.observation.segment.seq.0;
            assert_eq!(packet.headers, number.to_be_bytes());
            got.push((packet.observation.clock.0, number));
        }
    })
}

fn push(lane: &mut Lane, clock: i64, number: u32) -> bool {
    let has_room = lane.has_room(4);
    if has_room {
        lane.push(Nanos(clock), Nanos(clock), segment(number), 0, &number.to_be_bytes());
    }
    has_room
}

proptest! {
    #[test]
    fn the_order_is_that_of_clock_then_source_whatever_the_interleaving(
        steps in prop::collection::vec(prop::collection::vec(0..4_i64, 0..40), 1..4),
        schedule in prop::collection::vec((0..4_usize, 0..4_u8), 0..400),
    ) {
        let paces = vec![Pace::Patient; steps.len()];
        let (lanes, mut inbox) = queues(&paces, SMALL, Duration::ZERO);
        // What each source has to say: clocks that never run backwards, numbered source by source.
        let scripts: Vec<Vec<(i64, u32)>> = steps.iter().enumerate().map(|(source, steps)| {
            let mut clock = 0;
            let numbers = (source as u32 * 1000)..;
            steps.iter().zip(numbers).map(|(step, number)| { clock += step; (clock, number) }).collect()
        }).collect();
        let mut expected: Vec<_> = scripts.concat();
        expected.sort_by_key(|&(clock, number)| (clock, number));

        let mut pending: Vec<_> = lanes.into_iter().zip(&scripts).map(|(lane, script)| Some((lane, script.iter(), 0))).collect();
        let mut got = Vec::new();
        let endless = (0..pending.len()).cycle().map(|source| (source, 3));
        for (source, action) in schedule.into_iter().chain(endless) {
            let source = source % pending.len();
            let Some((lane, script, clock)) = &mut pending[source] else {
                if collect(&mut inbox, &mut got) == Received::End { break; }
                continue;
            };
            match action {
                0 => { lane.flush(); }
                1 => { lane.promise(Nanos(*clock)); }
                2 => { collect(&mut inbox, &mut got); }
                _ => match script.as_slice() {
                    [(next, number), ..] => {
                        *clock = *next;
                        if push(lane, *next, *number) { script.next(); } else { lane.promise(Nanos(*clock)); }
                    }
                    [] => if lane.flush() { pending[source] = None; } else { lane.promise(Nanos(*clock)); }
                },
            }
            collect(&mut inbox, &mut got);
        }
        prop_assert_eq!(got, expected);
        prop_assert_eq!(inbox.late(), 0);
    }
}

#[test]
fn threads_that_race_change_nothing_in_the_order() {
    const EACH: u32 = 100_000;
    let (lanes, mut inbox) =
        queues(&[Pace::Patient; 3], LaneSize { observations: 5, batches: 9, headers: true }, Duration::ZERO);
    let mut got = Vec::new();
    std::thread::scope(|scope| {
        for (source, mut lane) in lanes.into_iter().enumerate() {
            scope.spawn(move || {
                for n in 0..EACH {
                    let clock = i64::from(n / 3);
                    while !push(&mut lane, clock, source as u32 * EACH + n) {
                        lane.promise(Nanos(clock));
                        std::thread::yield_now();
                    }
                    if n % 11 == 0 {
                        lane.promise(Nanos(clock));
                    }
                }
                while !lane.flush() {
                    std::thread::yield_now();
                }
            });
        }
        loop {
            match collect(&mut inbox, &mut got) {
                Received::End => break,
                Received::Idle => std::thread::yield_now(),
                Received::Packets => {}
            }
        }
    });
    assert_eq!(got.len(), 3 * EACH as usize);
    assert!(got.is_sorted_by_key(|&(clock, number)| (clock, number / EACH)));
    assert_eq!(inbox.late(), 0);
}

#[test]
fn a_silent_live_source_is_waited_for_no_longer_than_stated_and_its_late_packets_are_counted() {
    let (mut lanes, mut inbox) = queues(&[Pace::Live, Pace::Live], SMALL, Duration::from_millis(2));
    push(&mut lanes[0], 100, 1);
    lanes[0].flush();
    let mut got = Vec::new();
    assert_eq!(collect(&mut inbox, &mut got), Received::Idle, "the other may still bring something older");
    while inbox.receive(&mut |run| got.extend(run.observations().iter().map(|o| (o.clock.0, o.segment.seq.0))))
        != Received::Packets
    {}
    assert_eq!(got, [(100, 1)]);
    assert_eq!(inbox.clock(), Nanos(100));
    push(&mut lanes[1], 50, 2);
    push(&mut lanes[1], 150, 3);
    lanes[1].flush();
    lanes[0].promise(Nanos(200));
    while got.len() < 3 {
        collect(&mut inbox, &mut got);
    }
    assert_eq!(got[1..], [(50, 2), (150, 3)]);
    assert_eq!(inbox.late(), 1);
    assert_eq!(inbox.clock(), Nanos(150));
}

#[test]
fn a_poller_that_dies_holds_nobody_up() {
    let (mut lanes, mut inbox) = queues(&[Pace::Patient; 2], SMALL, Duration::ZERO);
    push(&mut lanes[1], 7, 1);
    lanes[1].flush();
    let died = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let lane = lanes.remove(0);
        scope.spawn(|| {
            drop(lane);
            died.store(true, Ordering::Release);
        });
    });
    assert!(died.load(Ordering::Acquire));
    lanes.clear();
    let mut got = Vec::new();
    assert_eq!(collect(&mut inbox, &mut got), Received::Packets);
    assert_eq!(collect(&mut inbox, &mut got), Received::End);
    assert_eq!(got, [(7, 1)]);
}

#[test]
fn a_clock_at_the_end_of_time_is_no_end_of_the_source() {
    let (mut lanes, mut inbox) = queues(&[Pace::Patient], SMALL, Duration::ZERO);
    lanes[0].promise(Nanos::MAX);
    let mut got = Vec::new();
    assert_eq!(collect(&mut inbox, &mut got), Received::Idle);
    push(&mut lanes[0], i64::MAX, 1);
    lanes.clear();
    assert_eq!(collect(&mut inbox, &mut got), Received::End, "what was not flushed is not there");
}

#[test]
fn losses_stand_between_the_observations_in_the_order_of_time() {
    let (mut lanes, mut inbox) = queues(&[Pace::Patient; 2], SMALL, Duration::ZERO);
    push(&mut lanes[0], 10, 1);
    lanes[0].note_loss(Nanos(10));
    lanes[0].note_loss(Nanos(15));
    lanes[0].note_loss(Nanos(20));
    push(&mut lanes[0], 20, 2);
    lanes[0].flush();
    lanes[0].note_loss(Nanos(40));
    lanes[0].promise(Nanos(50));
    lanes[0].flush();
    for by in [60, 70, 80] {
        // The ring is full, and a batch is being filled.
        lanes[0].note_loss(Nanos(by));
    }
    lanes[0].promise(Nanos(90));
    push(&mut lanes[1], 30, 3);
    push(&mut lanes[1], 75, 4);
    lanes[1].flush();
    lanes[1].promise(Nanos(100));
    let mut got = Vec::new();
    let mut visit = |run: Run<'_>| {
        got.extend(run.lost_by().map(|by| (by.0, None)));
        got.extend(run.observations().iter().map(|o| (o.clock.0, Some(o.segment.seq.0))));
    };
    while inbox.try_receive(&mut visit) != Received::Idle {}
    lanes[0].flush();
    lanes.clear();
    while inbox.receive(&mut visit) != Received::End {}
    let expected = [
        (10, Some(1)),
        (10, None),
        (20, None),
        (20, Some(2)),
        (30, Some(3)),
        (40, None),
        (60, None),
        (75, Some(4)),
        (80, None),
    ];
    assert_eq!(got, expected, "of several losses at a place the first and the last are told");
}
