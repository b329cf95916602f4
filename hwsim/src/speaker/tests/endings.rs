//! What happens to connections, and how they end.

use super::*;

const LARGE: Service = Service { response: Fixed(60_000.0), ..ONE_TURN };

/// Causes of what passes again, in their order.
fn causes(setup: &Setup) -> Vec<(Direction, Cause)> {
    let passed = passings(setup, 1).into_iter();
    passed.map(|(from, passing)| (from, passing.segment.cause)).filter(|(_, cause)| *cause != Cause::New).collect()
}

#[test]
fn who_stalls_closes_its_window_and_the_sender_probes_until_it_opens() {
    for with_byte in [false, true] {
        let sender = Profile { probes_with_byte: with_byte, ..PROFILE };
        let setup = Setup { profiles: [PROFILE, sender], ..setup(&LARGE, Outcome::Stalled, &CLEAN) };
        let passed = passings(&setup, 1);
        let is_closed = |(from, passing): &(Direction, Passing)| {
            *from == Direction::Orig && passing.segment.window == 0 && !passing.segment.flags.rst()
        };
        let first = passed.iter().position(is_closed).expect("the window closes");
        let last = passed.iter().rposition(is_closed).unwrap();
        let probes: Vec<&Segment> =
            passed[first..last].iter().filter(|(from, _)| *from == Direction::Resp).map(|(_, p)| &p.segment).collect();
        assert!(!probes.is_empty());
        assert!(probes.iter().all(|probe| probe.cause == Cause::Probe && probe.len == u16::from(with_byte)));
        let (_, after) = &passed[last + 1];
        assert!(after.segment.window > 0 || after.segment.cause == Cause::Probe);
        let end = &passed.last().unwrap().1.segment;
        assert_eq!((end.seq, end.ack), (102, 60_002), "everything gets through, with a byte: {with_byte}");
    }
}

#[test]
fn who_leaves_early_sends_a_fin_and_answers_data_with_resets() {
    let passed = passings(&setup(&BULK, Outcome::LeavesEarly, &CLEAN), 1);
    let orig: Vec<String> = passed
        .iter()
        .filter(|(from, _)| *from == Direction::Orig)
        .map(|(_, passing)| passing.segment.flags.to_string())
        .skip_while(|flags| flags != "F.")
        .collect();
    assert!(orig.len() > 1 && orig[1..].iter().all(|flags| flags == "R"), "{orig:?}");
}

#[test]
fn a_host_that_has_started_again_answers_a_probe_with_a_reset() {
    let shape = shape(&ONE_TURN, Outcome::RespForgets);
    let end = ["> P. 1(100) ack 1", "< . 1(0) ack 101", "> . 100(0) ack 1", "< R 1(0)"];
    assert_eq!(shape[3..], end, "the request is acknowledged before, as its timer says");
}

#[test]
fn a_fin_to_a_host_that_has_vanished_is_sent_again_with_doubling_pauses() {
    let setup = setup(&GREETING, Outcome::RespVanishes, &CLEAN);
    let fins: Vec<i64> = passings(&setup, 1)
        .iter()
        .filter(|(_, passing)| passing.segment.flags.fin())
        .map(|(_, passing)| passing.ts.0 / 1_000_000)
        .collect();
    assert_eq!(fins.len(), 7);
    let pauses: Vec<i64> = fins.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.windows(2).all(|pair| (pair[1] - 2 * pair[0]).abs() <= 2), "{pauses:?}");
    assert!(causes(&setup).iter().all(|(_, cause)| *cause == Cause::Fin));
}

#[test]
fn data_to_a_host_that_has_vanished_is_sent_again_by_the_timer_alone() {
    let causes = causes(&setup(&BULK, Outcome::OrigVanishes, &CLEAN));
    assert_eq!(causes, [(Direction::Resp, Cause::Timeout); 6]);
}

#[test]
fn probes_to_a_host_that_has_vanished_end_in_a_reset() {
    let shape = shape(&ONE_TURN, Outcome::ProbedInVain { probes: 3 });
    assert_eq!(
        shape[shape.len() - 4..],
        ["> . 100(0) ack 3001", "> . 100(0) ack 3001", "> . 100(0) ack 3001", "> R. 101(0) ack 3001"]
    );
}

#[test]
fn keep_alives_of_other_systems_carry_a_byte_that_was_sent_before() {
    let setup = setup(&ONE_TURN, Outcome::KeptAlive { probes: 1 }, &CLEAN);
    let setup = Setup { profiles: [Profile { probes_with_byte: true, ..PROFILE }, PROFILE], ..setup };
    let (_, probe) = passings(&setup, 1).into_iter().find(|(_, p)| p.segment.cause == Cause::KeepAlive).unwrap();
    assert_eq!((probe.segment.seq, probe.segment.len), (100, 1));
}

#[test]
fn losses_are_repaired_by_both_fast_retransmissions_and_the_timer() {
    let mut seen = Vec::new();
    for seed in 0..40 {
        for sack in [true, false] {
            let profiles = [Profile { sack, ..PROFILE }; 2];
            let setup = Setup { profiles, ..setup(&BULK, Outcome::OrigCloses, &LOSSY) };
            seen.extend(passings(&setup, seed).into_iter().map(|(_, passing)| passing.segment.cause));
        }
    }
    for cause in [Cause::Fast, Cause::Timeout, Cause::Syn, Cause::Fin] {
        assert!(seen.contains(&cause), "{cause:?}");
    }
}

#[test]
fn a_speaker_of_smoltcp_and_one_of_ours_understand_each_other() {
    let smoltcp = Profile { stack: Stack::Smoltcp, window: 65_536, ..PROFILE };
    for profiles in [[smoltcp, PROFILE], [PROFILE, smoltcp], [smoltcp, smoltcp]] {
        for (rules, seeds) in [(&CLEAN, 1), (&LOSSY, 30)] {
            for seed in 0..seeds {
                let setup = Setup { profiles, ..setup(&LARGE, Outcome::OrigCloses, rules) };
                let mut connection = Connection::new(&setup, Rng::new(seed));
                while connection.next_at_tap().is_some() {
                    connection.pass_tap().unwrap();
                }
                let read = [connection.ends[0].read(), connection.ends[1].read()];
                assert_eq!(read, [60_002, 102], "seed {seed}, {:?}", profiles.map(|profile| profile.stack));
            }
        }
    }
}
