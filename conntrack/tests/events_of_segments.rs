//! What connections tell as events of their segments: losses, closed windows, round trips.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod support;

use std::fmt::Write as _;

use conntrack::{Config, EventConfig, EventCounts, EventLevel};
use support::{run, telling, told};

/// A handshake with a round trip of 40 ms: 30 ms between tap and server, 10 ms between tap and client.
const HANDSHAKE: &str = "
    0.000 > S  0
    0.030 < S. 0 ack 1
    0.040 > .  1 ack 1
";

/// What an exchange after the handshake tells.
#[track_caller]
fn events(exchange: &str) -> Vec<String> {
    told(&run(&format!("{HANDSHAKE}{exchange}"), telling(EventLevel::Anomalies)))
}

/// Segments of the client of 1000 bytes, the first and the last of these numbers counted from 0, half a millisecond apart from `from` ms.
fn flight(from: u32, segments: std::ops::Range<u32>) -> String {
    segments.clone().fold(String::new(), |mut text, n| {
        let micros = from * 1000 + 500 * (n - segments.start);
        let _ = writeln!(text, "{}.{:06} > . {} len 1000 ack 1", micros / 1_000_000, micros % 1_000_000, 1 + n * 1000);
        text
    })
}

/// Acknowledgments of the server, each of the same bytes, a millisecond apart from `from` ms.
fn acknowledgments(from: u32, count: u32, segments: u32) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let millis = from + n;
        let _ = writeln!(text, "{}.{:03} < . 1 ack {}", millis / 1000, millis % 1000, 1 + segments * 1000);
        text
    })
}

#[test]
fn a_segment_lost_by_itself_is_an_isolated_loss_told_when_no_other_can_join_it() {
    let exchange = [
        flight(1000, 0..8),
        acknowledgments(1031, 4, 2),
        "1.070 > . 2001 len 1000 ack 1\n".to_owned(),
        acknowledgments(1100, 1, 8),
        flight(1200, 8..20),
        acknowledgments(1240, 1, 20),
        flight(1300, 20..30),
        acknowledgments(1340, 1, 30),
    ];
    assert_eq!(
        events(&exchange.concat()),
        [
            "1.070 orig retransmission class=rtx_fast bytes=1000",
            "1.070 orig loss pattern=isolated segments=1 span=0.000000000",
        ]
    );
}

#[test]
fn losses_near_each_other_are_a_burst_and_those_after_sixteen_segments_another() {
    let exchange = [
        flight(1000, 0..8),
        acknowledgments(1031, 4, 2),
        "1.070 > . 2001 len 1000 ack 1\n".to_owned(),
        acknowledgments(1100, 1, 4),
        "1.110 > . 4001 len 1000 ack 1\n".to_owned(),
        acknowledgments(1140, 1, 8),
        flight(1200, 8..40),
        acknowledgments(1250, 4, 30),
        "1.290 > . 30001 len 1000 ack 1\n".to_owned(),
        acknowledgments(1330, 1, 40),
    ];
    let told = events(&exchange.concat());
    let losses: Vec<&str> = told.iter().filter(|line| line.contains(" loss ")).map(String::as_str).collect();
    assert_eq!(
        losses,
        [
            "1.070 orig loss pattern=burst segments=2 span=0.040000000",
            "1.290 orig loss pattern=isolated segments=1 span=0.000000000",
        ]
    );
}

#[test]
fn a_retransmission_that_is_lost_too_makes_a_loss_persistent_also_if_nobody_answers_any_more() {
    let told = events(
        "
        1.000 > P. 1 len 1000 ack 1
        1.300 > P. 1 len 1000 ack 1
        1.900 > P. 1 len 1000 ack 1
        3.100 > P. 1 len 1000 ack 1
        ",
    );
    assert_eq!(
        told,
        [
            "1.300 orig retransmission class=rtx_timeout bytes=1000",
            "1.900 orig retransmission class=rtx_timeout bytes=1000",
            "3.100 orig retransmission class=rtx_timeout bytes=1000",
            "1.300 orig loss pattern=persistent segments=3 span=1.800000000",
        ]
    );
}

#[test]
fn an_acknowledgment_that_nobody_believes_ends_no_loss() {
    let told = events(
        "
        1.000 > P. 1 len 1000 ack 1
        1.300 > P. 1 len 1000 ack 1
        1.310 < . 1 ack 900000
        1.900 > P. 1 len 1000 ack 1
        1.930 < . 1 ack 1001
        ",
    );
    assert_eq!(told.last().unwrap(), "1.300 orig loss pattern=persistent segments=2 span=0.600000000", "{told:?}");
}

#[test]
fn an_overtaken_segment_is_reordering_and_no_loss() {
    let told = events(
        "
        1.0000 > . 1    len 1000 ack 1
        1.0020 > . 2001 len 1000 ack 1
        1.0030 > . 1001 len 1000 ack 1
        1.0310 < . 1 ack 3001
        ",
    );
    assert_eq!(told, ["1.003 orig reordering bytes=1000"]);
}

#[test]
fn copies_keep_alives_and_probes_are_counted_but_tell_nothing() {
    let told = events(
        "
        1.000 > P. 1 len 10 ack 1 id 7
        1.00001 > P. 1 len 10 ack 1 id 7
        1.030 < .  1 ack 11
        76.00 > .  10 len 1 ack 1
        76.03 < .  1 ack 11
        ",
    );
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn a_window_that_closes_and_opens_is_told_both_times_with_how_long_it_was_closed() {
    let told = events(
        "
        1.000 > P. 1 len 1000 ack 1
        1.030 < .  1 ack 1001 win 0
        1.430 < .  1 ack 1001 win 0
        3.030 < .  1 ack 1001 win 4000
        3.040 > P. 1001 len 100 ack 1
        3.070 < .  1 ack 1101 win 0
        ",
    );
    assert_eq!(
        told,
        [
            "1.030 resp zero_window window=closed",
            "3.030 resp zero_window window=opened after=2.000000000",
            "3.070 resp zero_window window=closed",
        ]
    );
}

/// A question of the client every second, each answered after so many milliseconds.
fn questions(answers: impl IntoIterator<Item = u32>) -> String {
    (1..).zip(answers).fold(String::new(), |mut text, (second, millis)| {
        let seq = 1 + (second - 1) * 10;
        let _ = writeln!(text, "{second}.000 > P. {seq} len 10 ack 1");
        let _ = writeln!(text, "{second}.{millis:03} < . 1 ack {}", seq + 10);
        text
    })
}

#[test]
fn a_path_that_becomes_longer_is_a_shift_of_the_round_trip_and_a_steady_one_none() {
    let steady = [30, 31, 32, 31].into_iter().cycle().take(200);
    assert!(events(&questions(steady.clone())).is_empty());
    let told = events(&questions(steady.chain([80; 20])));
    assert_eq!(told, ["216.080 orig rtt_shift from=0.030000000 to=0.080000000"]);
}

#[test]
fn many_retransmissions_leave_room_for_other_events() {
    let mut exchange = String::new();
    for n in 0..20u32 {
        let _ = writeln!(exchange, "{}.000 > P. 1 len 1000 ack 1", 1 + n);
    }
    exchange.push_str("30.000 < . 1 ack 1001 win 0\n");
    let config =
        Config { events: EventConfig { level: EventLevel::Anomalies, per_connection: 8 }, ..Config::default() };
    let kept = run(&format!("{HANDSHAKE}{exchange}"), config);
    let told = told(&kept);
    assert_eq!(told.iter().filter(|line| line.contains("retransmission")).count(), 4, "{told:?}");
    assert!(told.contains(&"30.000 resp zero_window window=closed".to_owned()), "{told:?}");
    assert_eq!(kept.records[0].events, EventCounts { recorded: 6, dropped: 15 });
}
