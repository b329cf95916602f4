//! What connections tell as events.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod support;

use conntrack::{Config, EventConfig, EventCounts, EventLevel};
use support::{ISN, Kept, at, observation, run, segment, telling, told};
use wire::{Family, IcmpCode, Nanos, Observation, SeqNum, TcpFlags};

const ORDINARY: &str = "
    0.000 > S  0
    0.020 < S. 0 ack 1
    0.021 > .  1 ack 1
    0.030 > P. 1 len 100 ack 1
    0.050 < .  1 ack 101
    0.060 > F. 101 ack 1
    0.080 < F. 1 ack 102
    0.081 > .  102 ack 2
";

#[test]
fn an_ordinary_connection_tells_nothing_unless_changes_of_state_are_asked_for() {
    assert!(told(&run(ORDINARY, telling(EventLevel::Off))).is_empty());
    assert!(told(&run(ORDINARY, telling(EventLevel::Anomalies))).is_empty());
    assert_eq!(
        told(&run(ORDINARY, telling(EventLevel::All))),
        [
            "0.000 resp state from=CLOSED to=LISTEN",
            "0.000 orig state from=CLOSED to=SYN_SENT",
            "0.020 resp state from=LISTEN to=SYN_RCVD",
            "0.020 orig state from=SYN_SENT to=ESTABLISHED",
            "0.021 resp state from=SYN_RCVD to=ESTABLISHED",
            "0.060 resp state from=ESTABLISHED to=CLOSE_WAIT",
            "0.060 orig state from=ESTABLISHED to=FIN_WAIT_1",
            "0.080 resp state from=CLOSE_WAIT to=LAST_ACK",
            "0.080 orig state from=FIN_WAIT_1 to=TIME_WAIT",
            "0.081 resp state from=LAST_ACK to=CLOSED",
        ]
    );
}

#[test]
fn an_anomaly_is_told_at_its_first_occurrence_with_its_name() {
    let exchange = "
        0.000 > S  0
        0.020 < S. 0 ack 1
        0.021 > .  1 ack 1
        0.030 > .  900000 len 10 ack 1
        0.031 > .  900000 len 10 ack 1
        0.040 < -  1 ack 1
    ";
    let kept = run(exchange, telling(EventLevel::Anomalies));
    assert_eq!(told(&kept), ["0.030 orig anomaly name=out_of_window", "0.040 resp anomaly name=bad_flags"]);
}

#[test]
fn a_reset_that_may_be_forged_is_told_when_it_comes_and_its_effect_when_silence_confirms_it() {
    let exchange = "
        0.000 > S  0
        0.020 < S. 0 ack 1
        0.021 > .  1 ack 1
        0.500 < R  5000
    ";
    let kept = run(exchange, telling(EventLevel::All));
    let events = told(&kept);
    assert!(events.contains(&"0.500 resp rst_suspect".to_owned()), "{events:?}");
}

#[test]
fn events_beyond_the_bound_are_counted_and_leave_no_row() {
    let config = Config { events: EventConfig { level: EventLevel::All, per_connection: 3 }, ..Config::default() };
    let kept = run(ORDINARY, config);
    assert_eq!(told(&kept).len(), 3);
    assert_eq!(kept.records[0].events, EventCounts { recorded: 3, dropped: 7 });
}

#[test]
fn what_happened_before_the_roles_were_certain_has_the_right_direction() {
    // The SYN was missed: its answer's sender stands as the originator until the acknowledgment tells.
    let exchange = "
        0.020 < S. 0 ack 1
        0.021 > .  1 ack 1
        0.030 > P. 1 len 100 ack 1
    ";
    let events = told(&run(exchange, telling(EventLevel::All)));
    assert!(
        events.iter().any(|line| line.starts_with("0.020 resp state") && line.ends_with("to=SYN_RCVD")),
        "{events:?}"
    );
    assert!(events.is_sorted_by_key(|line| line[..5].to_owned()), "{events:?}");
}

/// An ICMP error about a segment of client or server that started at the relative `seq`.
fn icmp(from_client: bool, seq: u32, (kind, code): (u8, u8), ts: Nanos) -> Observation {
    let mut quote = segment(from_client, TcpFlags(0));
    quote.seq = SeqNum(ISN[usize::from(!from_client)].wrapping_add(seq));
    quote.quoted_by = IcmpCode::error(Family::V4, kind, code);
    observation(quote, ts, ts)
}

/// The packets of an exchange with errors among them.
fn with_errors(exchange: &str, errors: &[Observation], config: Config) -> Kept {
    let mut observations = support::packets(exchange);
    observations.extend(errors);
    observations.sort_by_key(|observation| observation.clock);
    let end = observations.last().unwrap().clock;
    support::feed(&observations, end, config)
}

#[test]
fn an_icmp_error_belongs_to_the_attempt_that_provoked_it() {
    let kept = with_errors("0.000 > S 0", &[icmp(true, 0, (3, 1), at("0.100"))], telling(EventLevel::Anomalies));
    assert_eq!(told(&kept), ["0.100 orig icmp type=3 code=1 name=host_unreachable in_flight=true"]);
    let [row] = &kept.records[..] else { panic!("{:?}", kept.records) };
    assert_eq!((row.icmp_errors, row.icmp_last.map(|last| (last.kind(), last.code))), (1, Some((3, 1))));
    assert_eq!((row.halves[0].pkts, row.halves[1].pkts), (1, 0), "it is no packet of the connection");
    assert_eq!(row.at.last, Nanos(0));
}

#[test]
fn an_icmp_error_is_in_flight_only_while_its_segment_can_be() {
    let exchange = "
        0.000 > S  0
        0.020 < S. 0 ack 1
        0.021 > .  1 ack 1
        0.030 > P. 1 len 100 ack 1
        0.050 < .  1 ack 101
        0.060 > P. 101 len 100 ack 1
    ";
    let errors = [
        icmp(true, 1, (3, 4), at("0.040")),
        icmp(true, 1, (3, 4), at("0.055")),
        icmp(true, 101, (11, 0), at("0.070")),
        icmp(true, 202, (3, 1), at("0.071")),
        icmp(false, 1, (3, 10), at("0.072")),
    ];
    assert_eq!(
        told(&with_errors(exchange, &errors, telling(EventLevel::Anomalies))),
        [
            "0.040 orig icmp type=3 code=4 name=fragmentation_needed in_flight=true",
            "0.055 orig icmp type=3 code=4 name=fragmentation_needed in_flight=false",
            "0.070 orig icmp type=11 code=0 name=hop_limit_exceeded in_flight=true",
            "0.071 orig icmp type=3 code=1 name=host_unreachable in_flight=false",
            "0.072 resp icmp type=3 code=10 name=prohibited in_flight=true",
        ]
    );
}

#[test]
fn an_icmp_error_about_no_known_connection_is_counted_and_opens_none() {
    let mut shard = conntrack::Shard::new(Config::default());
    let mut kept = Kept::default();
    let error = icmp(true, 0, (3, 3), at("1.0"));
    shard.step(&wire::Packet { observation: &error, headers: &[] }, &mut kept);
    let stats = shard.stats();
    assert_eq!((stats.icmp_attributed, stats.icmp_unattributed, stats.packets, stats.live), (0, 1, 0, 0));
    shard.finish(at("2.0"), &mut kept);
    assert!(kept.records.is_empty() && kept.events.is_empty());
}

#[test]
fn icmp_errors_are_counted_also_where_events_are_off() {
    let kept = with_errors("0.000 > S 0", &[icmp(true, 0, (3, 1), at("0.1"))], telling(EventLevel::Off));
    assert!(kept.events.is_empty());
    assert_eq!(kept.records[0].icmp_errors, 1);
}

#[test]
fn an_icmp_error_keeps_no_attempt_alive() {
    let errors: Vec<Observation> = (1..20).map(|n| icmp(true, 0, (3, 1), Nanos::from_secs(n * 10))).collect();
    let kept = with_errors("0.000 > S 0", &errors, telling(EventLevel::Anomalies));
    assert_eq!(kept.records.len(), 1);
    assert_eq!(kept.records[0].icmp_errors, 12, "those after 130 s are of no connection");
}
