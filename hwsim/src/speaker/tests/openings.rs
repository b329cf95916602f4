//! How connections begin, and what the two speakers agree on.

use super::*;

fn opened(opening: Opening) -> Setup {
    Setup { opening, ..setup(&ONE_TURN, Outcome::OrigCloses, &CLEAN) }
}

#[test]
fn in_a_simultaneous_open_both_answer_a_syn_with_a_syn_ack() {
    for seed in 0..20 {
        let passed = passings(&opened(Opening::Simultaneous), seed);
        let opening: Vec<String> =
            passed[..4].iter().map(|(from, passing)| line(Nanos(0), *from, &passing.segment)).collect();
        assert_eq!(opening[..2], ["> 0 S 0(0)", "< 0 S 0(0)"], "seed {seed}");
        assert!(opening[2..].contains(&"> 0 S. 0(0) ack 1".to_owned()), "seed {seed}: {opening:?}");
        assert!(opening[2..].contains(&"< 0 S. 0(0) ack 1".to_owned()), "seed {seed}: {opening:?}");
        let last = &passed.last().unwrap().1.segment;
        assert_eq!((last.seq, last.ack), (102, 3002), "seed {seed}: and it goes its usual way");
    }
}

#[test]
fn cookies_play_no_part_in_a_simultaneous_open() {
    let profiles = [PROFILE, Profile { syn_cookies: true, ..PROFILE }];
    let passed = passings(&Setup { profiles, ..opened(Opening::Simultaneous) }, 1);
    let offers: Vec<Offer> = passed.iter().filter_map(|(_, passing)| passing.segment.offer).collect();
    assert_eq!(offers, [PROFILE.offer(); 4]);
}

#[test]
fn data_on_a_syn_is_acknowledged_with_it_and_answered_before_the_handshake_ends() {
    let shape = shape_of(&opened(Opening::FastOpen));
    assert_eq!(shape[..4], ["> S 0(100)", "< S. 0(0) ack 101", "< . 1(1460) ack 101", "< . 1461(1460) ack 101"]);
    let passed = passings(&opened(Opening::FastOpen), 1);
    assert!(passed[0].1.segment.offer.is_some_and(|offer| offer.cookie.is_some()));
}

#[test]
fn data_on_a_syn_that_is_refused_is_sent_again_at_once() {
    let setup = opened(Opening::FastOpenRefused);
    assert_eq!(shape_of(&setup)[..4], ["> S 0(100)", "< S. 0(0) ack 1", "> . 101(0) ack 1", "> P. 1(100) ack 1"]);
    assert_eq!(passings(&setup, 1)[3].1.segment.cause, Cause::SynData);
}

#[test]
fn a_responder_with_syn_cookies_forgets_what_the_syn_offered() {
    let full = Profile { timestamps: true, ecn: true, ..PROFILE };
    let profiles = [full, Profile { syn_cookies: true, ..full }];
    let setup = Setup { profiles, ..setup(&ONE_TURN, Outcome::OrigCloses, &CLEAN) };
    for (_, Passing { segment, .. }) in &passings(&setup, 1)[1..] {
        assert!(segment.timestamps.is_none() && !segment.flags.has(TcpFlags::ECE));
        assert!(segment.offer.is_none_or(|offer| offer.wscale.is_none() && !offer.sack && offer.mss == 1460));
    }
}

#[test]
fn who_agrees_on_ecn_echoes_marks_until_the_sender_has_reduced_its_window() {
    let profiles = [Profile { ecn: true, ..PROFILE }; 2];
    let setup = Setup { profiles, marking: 0.05, ..setup(&BULK, Outcome::OrigCloses, &CLEAN) };
    let passed = passings(&setup, 3);
    assert_eq!(passed[0].1.segment.flags.to_string(), "SEW");
    assert_eq!(passed[1].1.segment.flags.to_string(), "S.E");
    let any = |wanted: fn(&Segment) -> bool| passed[2..].iter().any(|(_, passing)| wanted(&passing.segment));
    assert!(any(|segment| segment.ecn == Codepoint::Ce));
    assert!(any(|segment| segment.flags.has(TcpFlags::ECE)));
    assert!(any(|segment| segment.flags.has(TcpFlags::CWR)));
    assert!(!any(|segment| segment.len == 0 && segment.ecn != Codepoint::NotEct), "RFC 3168, 6.1.4");
    let unwilling = Setup { profiles: [profiles[0], PROFILE], ..setup };
    let all = passings(&unwilling, 3);
    assert!(all[1..].iter().all(|(_, passing)| passing.segment.ecn == Codepoint::NotEct));
}

#[test]
fn a_half_open_connection_sees_the_syn_ack_again_and_again() {
    let lines = exchange(&ONE_TURN, Outcome::HalfOpened { retries: 2 });
    let again = ["> 5 S 0(0)", "< 25 S. 0(0) ack 1", "< 1025 S. 0(0) ack 1", "< 3025 S. 0(0) ack 1"];
    assert_eq!(lines, again);
}
