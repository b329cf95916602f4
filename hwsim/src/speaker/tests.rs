//! Connections as packet exchanges, as the tap sees them: `>` is sent by the originator, `<` by the responder; then milliseconds,
//! flags as tcpdump writes them, position and length, acknowledgment.

mod endings;
mod openings;

use wire::TcpFlags;

use super::*;
use crate::link::{Mirror, Rule, Rules};
use crate::rng::Dist::Fixed;

/// One turn of 100 bytes there and 3000 back; 1 ms of thought everywhere.
const ONE_TURN: Service = Service {
    port: 80,
    greeting: None,
    turns: Fixed(1.0),
    request: Fixed(100.0),
    response: Fixed(3000.0),
    orig_thinks: Fixed(0.001),
    resp_thinks: Fixed(0.001),
};
const GREETING: Service = Service { greeting: Some(Fixed(20.0)), response: Fixed(10.0), ..ONE_TURN };
const BULK: Service = Service { response: Fixed(300_000.0), ..ONE_TURN };

const PROFILE: Profile = Profile {
    stack: Stack::Native,
    mss: 1460,
    wscale: Some(7),
    timestamps: false,
    sack: true,
    ecn: false,
    window: 500_000,
    rto_floor: 200_000_000,
    probes_with_byte: false,
    syn_cookies: false,
    isn: 0,
    clock: 0,
    ip_id: 0,
};

const CLEAN: Rules = Rules { before: &[], mirror: Mirror::NONE, after: &[] };
const LOSSY: Rules = Rules { before: &[Rule::Loss(0.025)], after: &[Rule::Loss(0.025)], ..CLEAN };

fn setup(service: &'static Service, outcome: Outcome, rules: &'static Rules) -> Setup {
    let nature = Nature { nanos_per_byte: 8.0, to_tap: 5_000_000, from_tap: 10_000_000, rules, is_tapped: true };
    let back = Nature { to_tap: 10_000_000, from_tap: 5_000_000, ..nature };
    Setup {
        service,
        opening: Opening::Ordinary,
        outcome,
        profiles: [PROFILE; 2],
        links: [nature, back],
        marking: 0.0,
        start: Nanos(0),
    }
}

fn passings(setup: &Setup, seed: u64) -> Vec<(Direction, Passing)> {
    let mut connection = Connection::new(setup, Rng::new(seed));
    let mut passed = Vec::new();
    while let Some(at) = connection.next_at_tap() {
        let passing = connection.pass_tap().unwrap();
        assert_eq!(passing.1.ts, at, "a segment passes when it was announced");
        passed.push(passing);
    }
    passed
}

fn line(ts: Nanos, from: Direction, segment: &Segment) -> String {
    let arrow = if from == Direction::Orig { '>' } else { '<' };
    let ack = if segment.flags.ack() { format!(" ack {}", segment.ack) } else { String::new() };
    format!("{arrow} {} {} {}({}){ack}", ts.0 / 1_000_000, segment.flags, segment.seq, segment.len)
}

fn lines(setup: &Setup) -> Vec<String> {
    passings(setup, 1).iter().map(|(from, passing)| line(passing.ts, *from, &passing.segment)).collect()
}

fn exchange(service: &'static Service, outcome: Outcome) -> Vec<String> {
    lines(&setup(service, outcome, &CLEAN))
}

/// The lines without their instants.
fn shape_of(setup: &Setup) -> Vec<String> {
    let without_time = |line: String| {
        let (arrow, rest) = line.split_once(" ").unwrap();
        format!("{arrow} {}", rest.split_once(" ").unwrap().1)
    };
    lines(setup).into_iter().map(without_time).collect()
}

fn shape(service: &'static Service, outcome: Outcome) -> Vec<String> {
    shape_of(&setup(service, outcome, &CLEAN))
}

const HANDSHAKE: [&str; 3] = ["> S 0(0)", "< S. 0(0) ack 1", "> . 1(0) ack 1"];
const TURN: [&str; 5] = [
    "> P. 1(100) ack 1",
    "< . 1(1460) ack 101",
    "< . 1461(1460) ack 101",
    "< P. 2921(80) ack 101",
    "> . 101(0) ack 2921",
];

fn assert_shape(service: &'static Service, outcome: Outcome, expected: &[&[&str]]) {
    assert_eq!(shape(service, outcome), expected.concat(), "{outcome:?}");
}

#[test]
fn the_handshake_takes_a_round_trip_split_at_the_tap() {
    let lines = exchange(&ONE_TURN, Outcome::OrigCloses);
    assert_eq!(lines[..3], ["> 5 S 0(0)", "< 25 S. 0(0) ack 1", "> 35 . 1(0) ack 1"]);
}

#[test]
fn the_originator_closes_first() {
    let close = ["> F. 101(0) ack 3001", "< F. 3001(0) ack 102", "> . 102(0) ack 3002"];
    assert_shape(&ONE_TURN, Outcome::OrigCloses, &[&HANDSHAKE, &TURN, &close]);
}

#[test]
fn the_responder_closes_with_its_last_bytes() {
    let answer = ["> P. 1(100) ack 1", "< . 1(1460) ack 101", "< . 1461(1460) ack 101", "< FP. 2921(80) ack 101"];
    let close = ["> . 101(0) ack 2921", "> F. 101(0) ack 3002", "< . 3002(0) ack 102"];
    assert_shape(&ONE_TURN, Outcome::RespCloses, &[&HANDSHAKE, &answer, &close]);
}

#[test]
fn both_close_before_either_knows() {
    let close = ["> F. 101(0) ack 3001", "< F. 3001(0) ack 101", "> . 102(0) ack 3002", "< . 3002(0) ack 102"];
    assert_shape(&ONE_TURN, Outcome::BothClose, &[&HANDSHAKE, &TURN, &close]);
}

#[test]
fn data_follows_the_fin_of_a_half_close() {
    let exchange = [
        "> FP. 1(100) ack 1",
        "< . 1(0) ack 102",
        "< . 1(1460) ack 102",
        "< . 1461(1460) ack 102",
        "< FP. 2921(80) ack 102",
        "> . 102(0) ack 2921",
        "> . 102(0) ack 3002",
    ];
    let shape = shape(&ONE_TURN, Outcome::HalfClose);
    assert!(shape.starts_with(&HANDSHAKE.map(str::to_owned)));
    assert_eq!(shape[3], exchange[0]);
    assert_eq!(shape[shape.len() - 5..], exchange[2..]);
}

#[test]
fn resets_end_it_from_either_side() {
    assert_shape(&ONE_TURN, Outcome::OrigResets, &[&HANDSHAKE, &TURN, &["> R. 101(0) ack 3001"]]);
    assert_shape(&ONE_TURN, Outcome::RespResets, &[&HANDSHAKE, &TURN[..1], &["< R. 1(0) ack 101"]]);
}

#[test]
fn who_aborts_answers_what_still_arrives_with_resets() {
    let passed = passings(&setup(&BULK, Outcome::Aborted, &CLEAN), 1);
    let first = passed.iter().position(|(_, passing)| passing.segment.flags.rst()).unwrap();
    let after: Vec<_> =
        passed[first + 1..].iter().map(|(from, passing)| (*from, passing.segment.flags.rst())).collect();
    assert!(after.contains(&(Direction::Resp, false)), "data was under way");
    assert!(after.iter().all(|&(from, rst)| rst == (from == Direction::Orig)), "{after:?}");
}

#[test]
fn a_refusal_is_a_reset_that_acknowledges_the_syn() {
    assert_shape(&ONE_TURN, Outcome::Refused, &[&["> S 0(0)", "< R. 0(0) ack 1"]]);
}

#[test]
fn an_unanswered_syn_is_sent_again_after_one_three_and_seven_seconds() {
    let lines = exchange(&ONE_TURN, Outcome::Unanswered { retries: 3 });
    assert_eq!(lines, ["> 5 S 0(0)", "> 1005 S 0(0)", "> 3005 S 0(0)", "> 7005 S 0(0)"]);
}

#[test]
fn a_scan_and_an_impatient_originator_send_a_bare_reset() {
    assert_shape(&ONE_TURN, Outcome::Scanned, &[&["> S 0(0)", "< S. 0(0) ack 1", "> R 1(0)"]]);
    assert_shape(&ONE_TURN, Outcome::Cancelled, &[&["> S 0(0)", "> R 1(0)"]]);
}

#[test]
fn keep_alives_lie_one_before_the_next_byte_and_are_answered() {
    let probe = ["> . 100(0) ack 3001", "< . 3001(0) ack 101"];
    let all = shape(&ONE_TURN, Outcome::KeptAlive { probes: 2 });
    // The last segment of the response is acknowledged by the timer before the first probe.
    let silent: Vec<&str> = [&HANDSHAKE[..], &TURN, &["> . 101(0) ack 3001"], &probe, &probe].concat();
    assert_eq!(all[..silent.len()], silent);
    assert_eq!(all[silent.len()], "> F. 101(0) ack 3001");
}

#[test]
fn a_responder_that_greets_speaks_first() {
    let lines = shape(&GREETING, Outcome::Abandoned);
    let turn = ["< P. 1(20) ack 1", "> P. 1(100) ack 21", "< P. 21(10) ack 101", "> . 101(0) ack 31"];
    assert_eq!(lines, [&HANDSHAKE[..], &turn].concat());
}

#[test]
fn without_loss_nothing_is_sent_twice_and_acknowledgments_name_only_what_has_passed() {
    for seed in 0..40 {
        let mut next = [0; 2];
        for (from, Passing { segment, .. }) in passings(&setup(&BULK, Outcome::OrigCloses, &CLEAN), seed) {
            assert_eq!(segment.seq, next[from.index()], "seed {seed}");
            next[from.index()] = segment.end();
            assert!(segment.ack <= next[from.other().index()], "seed {seed}");
        }
        assert_eq!(next, [102, 300_002], "seed {seed}");
    }
}

#[test]
fn with_loss_everything_still_gets_through_and_acknowledgments_never_go_back() {
    for seed in 0..60 {
        let setup = setup(&BULK, Outcome::OrigCloses, &LOSSY);
        let mut connection = Connection::new(&setup, Rng::new(seed));
        let mut acknowledged = [0; 2];
        let (mut repeated, mut furthest) = (0, [0; 2]);
        while connection.next_at_tap().is_some() {
            let (from, Passing { segment, .. }) = connection.pass_tap().unwrap();
            assert!(segment.ack >= acknowledged[from.index()] || !segment.flags.ack(), "seed {seed}");
            acknowledged[from.index()] = segment.ack;
            repeated += u32::from(segment.end() <= furthest[from.index()] && segment.len > 0);
            furthest[from.index()] = segment.end().max(furthest[from.index()]);
        }
        assert!(repeated > 0, "seed {seed}: a loss after the tap shows as a repetition");
        assert_eq!(connection.ends[0].read(), 300_002, "seed {seed}");
        assert_eq!(connection.ends[1].read(), 102, "seed {seed}");
    }
}

#[test]
fn a_syn_ack_carries_only_the_options_that_the_syn_offered() {
    let plain = Profile { wscale: None, sack: false, ..PROFILE };
    let rich = Profile { timestamps: true, ..PROFILE };
    let setup = Setup { profiles: [plain, rich], ..setup(&ONE_TURN, Outcome::OrigCloses, &CLEAN) };
    let mut connection = Connection::new(&setup, Rng::new(1));
    let mut last_window = 0;
    while connection.next_at_tap().is_some() {
        let (from, Passing { segment, .. }) = connection.pass_tap().unwrap();
        let mut sack = Default::default();
        let header = connection.header(from, &segment, &mut sack);
        assert!(
            header.options.timestamps.is_none() && !header.options.sack_permitted && header.options.wscale.is_none()
        );
        assert_eq!(header.options.mss.is_some(), segment.flags.has(TcpFlags::SYN));
        last_window = header.window;
    }
    assert_eq!(last_window, u16::MAX, "without scaling the window is as large as the field");
}
