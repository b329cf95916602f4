//! Each rule alone, by statistics over a fixed seed; then how they compose.

use super::*;

const NONE: Rules = Rules { before: &[], mirror: Mirror::NONE, after: &[] };

fn link(rules: &'static Rules) -> Link {
    Link::new(Nature { nanos_per_byte: 8.0, to_tap: 1_000_000, from_tap: 2_000_000, rules, is_tapped: true })
}

/// What came of segments that were sent a gap apart: numbered by `seq`, in the order of the tap and of the receiver.
struct Course {
    passed: Vec<Passing>,
    arrived: Vec<(Nanos, u64)>,
}

fn course(mut link: Link, segments: u64, gap: i64) -> Course {
    let mut rng = Rng::new(1);
    let mut course = Course { passed: Vec::new(), arrived: Vec::new() };
    let mut next = 0;
    loop {
        let send_at = if next < segments { Nanos(next as i64 * gap) } else { Nanos::MAX };
        let now = send_at.min(link.next_at_tap()).min(link.next_arrival());
        if now == Nanos::MAX {
            return course;
        } else if now == send_at {
            link.send(Segment { seq: next, len: 1000, ..Segment::default() }, now, &mut rng);
            next += 1;
        } else if now == link.next_at_tap() {
            let passing = link.pass_tap(&mut rng).unwrap();
            assert_eq!(passing.ts, now, "a segment passes when it was announced");
            course.passed.push(passing);
        } else if let Some(segment) = link.arrive() {
            course.arrived.push((now, segment.seq));
        }
    }
}

impl Course {
    fn passed(&self) -> Vec<u64> {
        self.passed.iter().map(|passing| passing.segment.seq).collect()
    }

    fn arrived(&self) -> Vec<u64> {
        self.arrived.iter().map(|(_, seq)| *seq).collect()
    }

    fn lost_at_tap(&self, sent: u64) -> f64 {
        1.0 - self.passed.len() as f64 / sent as f64
    }
}

#[track_caller]
fn assert_near(value: f64, expected: f64, tolerance: f64) {
    assert!((value - expected).abs() < tolerance, "{value} is not near {expected}");
}

#[test]
fn without_rules_a_segment_takes_its_serialisation_and_both_delays() {
    let course = course(link(&NONE), 3, 100_000);
    let serialisation = (1000 + 78) * 8;
    for (n, (passing, (arrival, seq))) in course.passed.iter().zip(&course.arrived).enumerate() {
        let sent = n as i64 * 100_000;
        assert_eq!((passing.segment.seq, *seq), (n as u64, n as u64));
        assert_eq!(passing.ts.0, sent + serialisation + 1_000_000);
        assert_eq!(arrival.0, sent + serialisation + 3_000_000);
        assert_eq!(passing.fate, Fate::default());
    }
}

#[test]
fn jitter_delays_by_up_to_its_bound_and_keeps_the_order_also_of_a_burst() {
    const RULES: Rules = Rules { before: &[Rule::Jitter(50_000)], after: &[Rule::Jitter(50_000)], ..NONE };
    let apart = course(link(&RULES), 2000, 200_000);
    let delays: Vec<i64> =
        apart.passed.iter().map(|passing| passing.ts.0 - passing.segment.seq as i64 * 200_000 - 1_008_624).collect();
    assert!(delays.iter().all(|delay| (0..50_000).contains(delay)));
    assert_near(delays.iter().sum::<i64>() as f64 / 2000.0, 25_000.0, 1000.0);
    let burst = course(link(&RULES), 1000, 0);
    assert!(burst.passed().is_sorted() && burst.arrived().is_sorted());
    assert!(burst.passed.iter().all(|passing| !passing.fate.reordered));
}

#[test]
fn independent_loss_takes_its_share_before_and_after_the_tap() {
    const RULES: Rules = Rules { before: &[Rule::Loss(0.1)], after: &[Rule::Loss(0.2)], ..NONE };
    let course = course(link(&RULES), 20_000, 10_000);
    assert_near(course.lost_at_tap(20_000), 0.1, 0.01);
    assert_near(1.0 - course.arrived.len() as f64 / course.passed.len() as f64, 0.2, 0.01);
}

#[test]
fn bursty_loss_takes_its_mean_share_in_runs_of_its_mean_length() {
    const CHANNEL: GilbertElliott = GilbertElliott { becomes_bad: 0.01, becomes_good: 0.25, loss: 1.0 };
    const RULES: Rules = Rules { before: &[Rule::Bursts(CHANNEL)], ..NONE };
    let sent = 100_000;
    let course = course(link(&RULES), sent, 10_000);
    assert_near(CHANNEL.mean_loss(), 0.01 / 0.26, 1e-12);
    assert_near(course.lost_at_tap(sent), CHANNEL.mean_loss(), 0.003);
    let gaps: Vec<u64> = course.passed().windows(2).map(|pair| pair[1] - pair[0] - 1).filter(|gap| *gap > 0).collect();
    assert_near(gaps.iter().sum::<u64>() as f64 / gaps.len() as f64, 4.0, 0.2);
}

#[test]
fn a_bottleneck_spaces_segments_at_its_rate_and_drops_what_its_queue_does_not_hold() {
    // 1078 bytes on the line at 80 ns each: 86,240 ns a segment; room for ten of them, and one is being sent.
    const RULES: Rules = Rules { before: &[Rule::Rate { nanos_per_byte: 80.0, queue: 10_780 }], ..NONE };
    let burst = course(Link::new(Nature { nanos_per_byte: 0.0, ..link(&RULES).nature }), 30, 0);
    assert_eq!(burst.passed(), (0..11).collect::<Vec<u64>>());
    assert!(burst.passed.windows(2).all(|pair| pair[1].ts.since(pair[0].ts) == 86_240));
    let paced = course(link(&RULES), 30, 86_240);
    assert_eq!(paced.passed.len(), 30, "what comes at the rate never waits for long");
    assert_eq!(link(&RULES).nature.longest(), 3_000_000 + 862_400);
}

#[test]
fn a_network_duplicate_follows_its_original_through_the_tap_to_the_receiver() {
    const RULES: Rules = Rules { before: &[Rule::Duplicate { share: 0.25, after: 300 }], ..NONE };
    let course = course(link(&RULES), 10_000, 20_000);
    let copies: Vec<usize> =
        (0..course.passed.len()).filter(|at| course.passed[*at].fate.copied_by == Some(Copier::Network)).collect();
    assert_near(copies.len() as f64 / 10_000.0, 0.25, 0.015);
    for at in copies {
        let (original, copy) = (&course.passed[at - 1], &course.passed[at]);
        assert_eq!(copy.ts.since(original.ts), 300);
        assert_eq!((copy.segment.seq, copy.segment.ip_id), (original.segment.seq, original.segment.ip_id));
        assert!(!copy.fate.reordered);
    }
    assert_eq!(course.arrived(), course.passed());
}

#[test]
fn a_duplicate_made_after_the_tap_shows_only_to_the_receiver() {
    const RULES: Rules = Rules { after: &[Rule::Duplicate { share: 1.0, after: 300 }], ..NONE };
    let course = course(link(&RULES), 10, 20_000);
    assert_eq!(course.passed(), (0..10).collect::<Vec<u64>>());
    assert_eq!(course.arrived(), (0..10).flat_map(|seq| [seq, seq]).collect::<Vec<u64>>());
}

#[test]
fn a_mirrored_frame_comes_to_the_tap_twice_and_to_the_receiver_once() {
    const RULES: Rules = Rules { mirror: Mirror { share: 0.5, after: 2_000 }, ..NONE };
    let course = course(link(&RULES), 10_000, 20_000);
    let copies = course.passed.iter().filter(|passing| passing.fate.copied_by == Some(Copier::Capture)).count();
    assert_near(copies as f64 / 10_000.0, 0.5, 0.02);
    assert_eq!(course.passed.len(), 10_000 + copies);
    assert_eq!(course.arrived(), (0..10_000).collect::<Vec<u64>>());
}

#[test]
fn a_segment_on_a_longer_way_is_overtaken_and_told_to_be_reordered() {
    const RULES: Rules = Rules { before: &[Rule::Reorder { share: 0.05, by: 50_000 }], ..NONE };
    let course = course(link(&RULES), 10_000, 20_000);
    let late = course.passed.iter().filter(|passing| passing.fate.reordered).count();
    assert_near(late as f64 / 10_000.0, 0.05, 0.01);
    let mut furthest = None;
    for passing in &course.passed {
        let seq = Some(passing.segment.seq);
        assert_eq!(passing.fate.reordered, seq < furthest, "{passing:?}");
        furthest = furthest.max(seq);
    }
    assert_eq!(course.arrived(), course.passed());
}

#[test]
fn what_is_reordered_after_the_tap_passes_it_in_order() {
    const RULES: Rules = Rules { after: &[Rule::Reorder { share: 0.05, by: 50_000 }], ..NONE };
    let course = course(link(&RULES), 1000, 20_000);
    assert!(course.passed.iter().all(|passing| !passing.fate.reordered));
    assert!(!course.arrived().is_sorted());
    assert_eq!(course.arrived.len(), 1000);
}

#[test]
fn a_segment_held_back_on_an_idle_link_is_not_reordered() {
    const RULES: Rules = Rules { before: &[Rule::Reorder { share: 1.0, by: 50_000 }], ..NONE };
    assert!(course(link(&RULES), 100, 1_000_000).passed.iter().all(|passing| !passing.fate.reordered));
}

#[test]
fn a_black_hole_swallows_the_datagrams_that_are_longer_than_its_mtu() {
    const HOLE: Rules = Rules { before: &[Rule::Mtu(1039)], ..NONE };
    const PASSAGE: Rules = Rules { before: &[Rule::Mtu(1040)], ..NONE };
    assert!(course(link(&HOLE), 10, 10_000).passed.is_empty());
    assert_eq!(course(link(&PASSAGE), 10, 10_000).passed.len(), 10);
}

#[test]
fn a_route_around_the_tap_carries_all_that_a_tapped_one_carries_and_shows_nothing() {
    const RULES: Rules =
        Rules { before: &[Rule::Loss(0.1)], after: &[Rule::Reorder { share: 0.1, by: 50_000 }], ..NONE };
    let around = Link::new(Nature { is_tapped: false, ..link(&RULES).nature });
    let course = course(around, 1000, 20_000);
    assert!(course.passed.is_empty());
    assert_near(course.arrived.len() as f64, 900.0, 30.0);
    assert!(!course.arrived().is_sorted());
}

#[test]
fn rules_are_asked_in_their_order_and_what_drops_a_segment_drops_its_copy() {
    const COPIED_THEN_LOST: Rules =
        Rules { before: &[Rule::Duplicate { share: 1.0, after: 300 }, Rule::Loss(0.5), Rule::Delay(700)], ..NONE };
    let course = course(link(&COPIED_THEN_LOST), 1000, 20_000);
    assert_near(course.passed.len() as f64, 1000.0, 60.0);
    for pair in course.passed.chunks(2) {
        assert_eq!(pair[0].segment.seq, pair[1].segment.seq);
        assert_eq!(pair[0].ts.0, pair[0].segment.seq as i64 * 20_000 + 1_008_624 + 700);
        assert_eq!(pair[1].fate.copied_by, Some(Copier::Network));
    }
}

#[test]
fn all_rules_together_do_the_same_for_the_same_seed() {
    const RULES: Rules = Rules {
        before: &[
            Rule::Rate { nanos_per_byte: 20.0, queue: 100_000 },
            Rule::Bursts(GilbertElliott { becomes_bad: 0.01, becomes_good: 0.3, loss: 0.7 }),
            Rule::Jitter(9_000),
            Rule::Duplicate { share: 0.02, after: 400 },
            Rule::Reorder { share: 0.02, by: 90_000 },
        ],
        mirror: Mirror { share: 0.01, after: 3_000 },
        after: &[Rule::Mtu(1500), Rule::Delay(5), Rule::Loss(0.01), Rule::Reorder { share: 0.02, by: 90_000 }],
    };
    let [first, second] = [(); 2].map(|()| course(link(&RULES), 5000, 15_000));
    assert_eq!(first.arrived, second.arrived);
    assert_eq!(first.passed(), second.passed());
    assert!(first.passed.windows(2).all(|pair| pair[0].ts <= pair[1].ts), "time never runs backwards at the tap");
    assert!(first.arrived.windows(2).all(|pair| pair[0].0 <= pair[1].0), "nor at the receiver");
}
