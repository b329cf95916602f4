//! What a stranger, or a broken host, throws at a connection that goes on.

mod support;

use conntrack::{Anomaly, CloseReason, Record, TcpState};
use support::{at, one, track};

const OPENING: &str = "
    0.000 > S  0
    0.010 < S. 0 ack 1
    0.020 > .  1 ack 1
    0.030 > P. 1 len 700 ack 1
    0.040 < .  1 ack 701
";

/// An established connection, and then `rest`.
fn after_handshake(rest: &str) -> Vec<Record> {
    track(&format!("{OPENING}{rest}"))
}

fn one_after_handshake(rest: &str) -> Record {
    one(&format!("{OPENING}{rest}"))
}

/// What the owners of the connection go on to say, until both have closed at 2.020.
const REST: &str = "
    1.900 > P. 701 len 10 ack 1
    1.910 < .  1 ack 711
    2.000 > F. 711 ack 1
    2.010 < F. 1 ack 712
    2.020 > .  712 ack 2
";

/// Asserts that a forgery did not end the connection before its owners did.
#[track_caller]
fn assert_survives(forgery: &str) -> Record {
    let row = one_after_handshake(&format!("{forgery}{REST}"));
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Fin), Some(at("2.020"))), "{row:#?}");
    row
}

#[test]
fn a_stranger_that_goes_on_from_its_own_syn_opens_nothing() {
    let row = assert_survives(
        "
        1.000 > S 0 isn 5000000
        1.001 > . 1 isn 5000000 ack 77
    ",
    );
    assert!(row.anomalies.has(Anomaly::SynInConnection));
}

#[test]
fn a_stranger_that_refuses_its_own_syn_ends_nothing() {
    let row = assert_survives(
        "
        1.000 > S  0 isn 5000000
        1.001 < R. 4321 ack 1 peer 5000000
    ",
    );
    assert!(row.anomalies.has(Anomaly::SynInConnection));
}

#[test]
fn a_refusal_that_would_end_the_connection_too_ends_it() {
    let rows = after_handshake(
        "
        1.000 > S  0 isn 5000000
        1.001 < R. 1 ack 1 peer 5000000
    ",
    );
    assert_eq!(
        rows.iter().map(|row| row.close_reason).collect::<Vec<_>>(),
        [Some(CloseReason::Reused), Some(CloseReason::Rst)]
    );
}

#[test]
fn who_opens_anew_where_its_peer_is_never_heard_goes_on() {
    let rows = track(
        "
        0.000 > S  0
        0.020 > .  1 ack 1
        0.030 > P. 1 len 700 ack 1
        1.000 > S  0 isn 5000000
        1.020 > .  1 isn 5000000 ack 1 peer 900000
    ",
    );
    assert_eq!((rows.len(), rows[0].close_reason, rows[1].ts), (2, Some(CloseReason::Reused), at("1.000")));
}

#[test]
fn a_suspect_reset_and_a_syn_that_nothing_answers_end_nothing() {
    let row = assert_survives(
        "
        1.000 > R 900
        1.001 > S 0 isn 5000000
    ",
    );
    assert!(row.anomalies.has(Anomaly::RstSuspect) && row.anomalies.has(Anomaly::SynInConnection));
}

#[test]
fn a_reset_of_an_endpoint_that_the_tap_never_hears_counts_only_where_it_is_expected() {
    let heard = "
        0.000 > .  1 ack 1
        0.010 > P. 1 len 700 ack 1
        0.020 > .  701 ack 500
    ";
    let goes_on = "1.100 > P. 701 len 10 ack 600";
    for stray in ["70000000", "1", "900"] {
        let row = one(&format!("{heard} 1.000 < R {stray}\n {goes_on}"));
        assert_eq!(row.close_reason, Some(CloseReason::CampaignEnd), "at {stray}");
    }
    let row = one(&format!("{heard} 1.000 < R 500"));
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Rst), Some(at("1.000"))));
}

#[test]
fn a_reset_without_acknowledgment_refuses_no_syn() {
    let forged = "
        0.000 > S 0
        0.001 < R 12345
    ";
    let row = one(&format!("{forged} 0.010 < S. 0 ack 1\n 0.020 > . 1 ack 1"));
    assert_eq!((row.close_reason, row.at.established), (Some(CloseReason::CampaignEnd), Some(at("0.020"))));
    assert!(row.anomalies.has(Anomaly::RstSuspect));
    let refused = one(&format!("{forged} 0.010 < R. 777 ack 1"));
    assert_eq!((refused.close_reason, refused.at.closed), (Some(CloseReason::Rst), Some(at("0.010"))));
}

/// A connection that was not seen from its start, and ten segments of 100 bytes and their acknowledgments from 1 s on.
fn midway(forgery: &str) -> Record {
    let mut exchange = String::from("0.000 > P. 1 len 100 ack 1\n 0.010 < . 1 ack 101\n");
    exchange += forgery;
    for n in 0..10 {
        let start = 101 + 100 * n;
        exchange += &format!("\n 1.{n}00 > P. {start} len 100 ack 1\n 1.{n}10 < . 1 ack {}", start + 100);
    }
    one(&exchange)
}

#[test]
fn a_wild_segment_does_not_carry_a_connection_of_unknown_windows_away() {
    let row = midway("0.500 > P. 1000000101 len 1 ack 1");
    assert_eq!(row.halves[0].segments.abnormal_pkts, 0, "what follows is in order");
    assert!(row.anomalies.has(Anomaly::OutOfWindow), "the stream went on from where it was");
    assert_eq!(midway("").anomalies.iter().count(), 0);
}

#[test]
fn a_wild_acknowledgment_does_not_carry_a_connection_of_unknown_windows_away() {
    let unharmed = midway("");
    for forgery in ["0.500 < . 1 ack 1000000101", "0.500 < . 900 ack 1000000101", "0.500 < F. 1 ack 1000000101"] {
        let row = midway(forgery);
        assert_eq!(row.halves[0].rtt, unharmed.halves[0].rtt, "after {forgery}");
        assert_eq!(row.halves[0].segments, unharmed.halves[0].segments, "after {forgery}");
    }
}

#[test]
fn windows_that_acknowledgments_have_carried_away_step_by_step_follow_the_stream_back() {
    let steps: String = (1..=40).map(|n| format!("1.{n:03} < . 1 ack {}\n", 701 + 60_000 * n)).collect();
    let row = assert_survives(&steps);
    assert_eq!((row.halves[0].segments.abnormal_pkts, row.halves[0].unique_bytes), (0, 710));
    assert_eq!(row.halves[0].rtt.min, Some(10_000_000), "what follows is measured");
    let goes_on: String = (0..3).map(|n| format!("1.8{n}0 > P. {} len 100 ack 1\n", 701 + 100 * n)).collect();
    let row = one_after_handshake(&format!("{steps}{goes_on}"));
    assert_eq!(row.halves[0].segments.in_flight_max, 700, "of three hundred bytes after that nothing is older");
}

#[test]
fn a_sender_that_overruns_its_window_carries_it_nowhere() {
    let steps: String = (0..40).map(|n| format!("1.{n:03} > . {} len 60000 ack 1\n", 701 + 60_000 * n)).collect();
    assert!(assert_survives(&steps).anomalies.has(Anomaly::OutOfWindow));
}

#[test]
fn a_fin_beyond_the_window_is_none_unless_exactly_it_is_acknowledged() {
    for forgery in
        ["1.000 > FP. 200701 len 100 ack 1", "1.000 > F. 711 len 200000 ack 1\n 1.001 > P. 300000 len 10 ack 1"]
    {
        assert_survives(forgery);
    }
    let row = one_after_handshake(
        "
        1.000 > FP. 200701 len 100 ack 1
        1.010 < F. 1 ack 200802
        1.020 > .  200802 ack 2
    ",
    );
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Fin), Some(at("1.020"))));
    assert_eq!(
        (row.at.fin[0], row.halves.map(|half| half.state)),
        (Some(at("1.000")), [TcpState::TimeWait, TcpState::Closed])
    );
}

#[test]
fn a_jump_that_the_peer_acknowledges_or_the_stream_goes_on_from_is_followed() {
    for follows in ["0.510 < . 1 ack 1000000201", "0.510 > P. 1000000201 len 100 ack 1"] {
        let row = one(&format!(
            "
            0.000 > P. 1 len 100 ack 1
            0.010 < .  1 ack 101
            0.500 > P. 1000000101 len 100 ack 1
            {follows}
            0.600 > P. 1000000301 len 100 ack 1
            0.610 < .  1 ack 1000000401
            0.900 > P. 1000000301 len 100 ack 1
        "
        ));
        assert_eq!(row.halves[0].segments.retrans_pkts, 1, "after {follows}");
        assert!(!row.anomalies.has(Anomaly::OutOfWindow));
    }
}

#[test]
fn a_wild_segment_and_a_reset_after_it_end_no_connection_of_unknown_windows() {
    let row = assert_survives(
        "
        0.900 < .  1 ack 702
        1.000 > P. 900000000 len 1 ack 1
        1.001 > R  900000001
    ",
    );
    assert!(row.anomalies.has(Anomaly::RstOutOfWindow));
}

#[test]
fn a_fin_ahead_of_the_stream_does_not_hide_the_real_one() {
    let row = assert_survives("1.000 > F. 20000 ack 1");
    assert!(row.anomalies.has(Anomaly::FinMoved));
    assert_eq!(row.at.fin, [Some(at("2.000")), Some(at("2.010"))]);
    assert_eq!(row.halves.map(|half| half.state), [TcpState::TimeWait, TcpState::Closed]);
}

#[test]
fn a_fin_behind_its_acknowledgment_and_another_in_its_place_close_at_once() {
    let row = one_after_handshake(
        "
        1.000 > F. 20000 ack 1
        1.010 > F. 701 ack 1
        1.020 < F. 1 ack 702
        1.030 > .  702 ack 2
    ",
    );
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Fin), Some(at("1.030"))));
}

#[test]
fn an_old_syn_takes_no_tuple_whose_last_acknowledgment_is_missing() {
    let closing = "
        1.000 > F. 701 ack 1
        1.010 < F. 1 ack 702
    ";
    let row = one_after_handshake(&format!("{closing} 1.015 > S 0 isn 4294000000\n 1.020 > . 702 ack 2"));
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Fin), Some(at("1.020"))));
    let answered = "1.015 > S 0 isn 4294000000\n 1.020 < S. 0 isn 900000 ack 1 peer 4294000000";
    let rows = after_handshake(&format!("{closing}{answered}"));
    assert_eq!((rows.len(), rows[0].close_reason, rows[1].ts), (2, Some(CloseReason::Reused), at("1.015")));
}
