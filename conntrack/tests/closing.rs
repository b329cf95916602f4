//! How connections end.

mod support;

use conntrack::{Anomaly, CloseReason, ConnState, Record, TcpState};
use support::{at, one, track};
use wire::Direction;

/// An established connection, and then `rest`.
fn after_handshake(rest: &str) -> Vec<Record> {
    track(&format!(
        "
        0.000 > S  0
        0.010 < S. 0 ack 1
        0.020 > .  1 ack 1
        0.030 > P. 1 len 700 ack 1
        0.040 < .  1 ack 701
        {rest}
    "
    ))
}

fn one_after_handshake(rest: &str) -> Record {
    let rows = after_handshake(rest);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows[0]
}

#[test]
fn the_acknowledgment_of_the_second_fin_closes() {
    let row = one_after_handshake(
        "
        1.000 > F. 701 ack 1
        1.010 < F. 1 ack 702
        1.020 > .  702 ack 2
    ",
    );
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Fin), Some(at("1.020"))));
    assert_eq!(row.at.fin, [Some(at("1.000")), Some(at("1.010"))]);
    assert_eq!(row.halves.map(|half| half.state), [TcpState::TimeWait, TcpState::Closed]);
    assert_eq!((row.conn_state, row.history.as_str()), (ConnState::Sf, "ShADaFf"));
    assert_eq!(row.halves.map(|half| half.bytes), [Some(700), Some(0)]);
}

#[test]
fn simultaneous_close_ends_both_in_time_wait() {
    let row = one_after_handshake(
        "
        1.000 > F. 701 ack 1
        1.001 < F. 1 ack 701
        1.020 > .  702 ack 2
        1.021 < .  2 ack 702
    ",
    );
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Fin), Some(at("1.021"))));
    assert_eq!(row.halves.map(|half| half.state), [TcpState::TimeWait; 2]);
}

#[test]
fn data_flows_on_through_a_half_close() {
    let row = one_after_handshake(
        "
        1.000   > F. 701 ack 1
        1.010   < .  1 ack 702
        900.000 < P. 1 len 500 ack 702
        900.010 > .  702 ack 501
        901.000 < F. 501 ack 702
        901.010 > .  702 ack 502
    ",
    );
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Fin), Some(at("901.010"))));
    assert_eq!(row.halves[1].unique_bytes, 500);
    assert_eq!(row.anomalies.iter().count(), 0);
}

#[test]
fn late_segments_belong_to_the_closed_connection() {
    let row = one_after_handshake(
        "
        1.000 > F. 701 ack 1
        1.010 < F. 1 ack 702
        1.020 > .  702 ack 2
        1.300 < F. 1 ack 702
        1.310 > .  702 ack 2
    ",
    );
    assert_eq!((row.at.closed, row.at.last), (Some(at("1.020")), at("1.310")));
    assert_eq!(row.halves.map(|half| half.pkts), [6, 4]);
}

#[test]
fn a_new_syn_takes_over_the_tuple_of_a_closed_connection_at_once() {
    let rows = after_handshake(
        "
        1.000 > F. 701 ack 1
        1.010 < F. 1 ack 702
        1.020 > .  702 ack 2
        1.500 > S  0 isn 100000
        1.510 < S. 0 isn 900000 ack 1 peer 100000
    ",
    );
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].close_reason, rows[0].halves[0].pkts), (Some(CloseReason::Fin), 5));
    assert_eq!((rows[1].ts, rows[1].halves.map(|half| half.pkts)), (at("1.500"), [1, 1]));
    assert_ne!(rows[0].uid, rows[1].uid);
}

#[test]
fn an_exact_reset_closes_at_its_instant() {
    let row = one_after_handshake("1.000 < R. 1 ack 701");
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Rst), Some(at("1.000"))));
    assert_eq!((row.rst_by, row.conn_state), (Some(Direction::Resp), ConnState::Rstr));
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Closed; 2]);
}

#[test]
fn an_inexact_reset_needs_silence() {
    let silent = one_after_handshake("1.000 > R 900");
    assert_eq!(silent.close_reason, Some(CloseReason::CampaignEnd), "the campaign ended before silence could tell");
    assert!(silent.anomalies.has(Anomaly::RstSuspect));

    let disproved = one_after_handshake(
        "
        1.000 > R  900
        1.010 < .  1 ack 701
        1.100 > P. 701 len 50 ack 1
    ",
    );
    assert_eq!((disproved.close_reason, disproved.at.closed), (Some(CloseReason::CampaignEnd), None));
    assert_eq!(disproved.halves.map(|half| half.state), [TcpState::Established; 2]);

    let rows = after_handshake(
        "
        1.000 > R  900
        40.00 > S  0 isn 7777777
    ",
    );
    assert_eq!((rows[0].close_reason, rows[0].at.closed), (Some(CloseReason::Rst), Some(at("1.000"))));
    assert_eq!(rows[0].rst_by, Some(Direction::Orig));
}

#[test]
fn a_reset_outside_the_window_does_nothing() {
    let row = one_after_handshake(
        "
        1.000 < R 90000000
        1.100 > F. 701 ack 1
        1.110 < F. 1 ack 702
        1.120 > .  702 ack 2
    ",
    );
    assert_eq!(row.close_reason, Some(CloseReason::Fin));
    assert!(row.anomalies.has(Anomaly::RstOutOfWindow));
}

#[test]
fn a_challenge_acknowledgment_keeps_the_connection_and_a_confirmed_syn_replaces_it() {
    let challenged = one_after_handshake(
        "
        1.000 > S  0 isn 5000000
        1.010 < .  1 ack 701
        1.020 > P. 701 len 10 ack 1
        1.030 < .  1 ack 711
    ",
    );
    assert!(challenged.anomalies.has(Anomaly::SynInConnection));
    assert_eq!(challenged.halves[0].unique_bytes, 710);

    let rows = after_handshake(
        "
        1.000 > S  0 isn 5000000
        1.010 < S. 0 isn 8000000 ack 1 peer 5000000
        1.020 > .  1 isn 5000000 ack 1 peer 8000000
    ",
    );
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].close_reason, rows[0].halves.map(|half| half.pkts)), (Some(CloseReason::Reused), [3, 2]));
    assert_eq!((rows[1].ts, rows[1].halves.map(|half| half.pkts)), (at("1.000"), [2, 1]));
}

#[test]
fn what_lies_outside_the_window_is_counted_and_moves_no_state() {
    let row = one_after_handshake(
        "
        1.000 > F. 50000000 ack 1
        1.100 > P. 701 len 10 ack 1
        1.110 < .  1 ack 711
    ",
    );
    assert!(row.anomalies.has(Anomaly::OutOfWindow));
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
    assert_eq!((row.halves[0].pkts, row.halves[0].fin_pkts, row.at.fin[0]), (5, 1, None));
}

#[test]
fn an_unreported_hole_in_the_capture_does_not_desynchronise() {
    let row = one_after_handshake(
        "
        1.000 < .  1 ack 60701
        1.010 > P. 60701 len 100 ack 1
        1.020 < .  1 ack 160801
        1.030 > P. 160801 len 100 ack 1
        1.040 < .  1 ack 160901
        2.000 > F. 160901 ack 1
        2.010 < F. 1 ack 160902
        2.020 > .  160902 ack 2
    ",
    );
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Fin), Some(at("2.020"))));
    assert!(row.anomalies.has(Anomaly::AckedUnseen));
    assert_eq!((row.halves[0].unique_bytes, row.halves[0].bytes, row.missed_bytes), (900, Some(160_900), 160_000));
}

#[test]
fn flags_without_meaning_change_nothing() {
    let row = one_after_handshake(
        "
        1.0 > FSP 701 len 5
        1.1 > -   701
        1.2 > P.  701 len 10 ack 1
        1.3 < .   1 ack 711
    ",
    );
    assert!(row.anomalies.has(Anomaly::BadFlags));
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
}

#[test]
fn a_clock_that_steps_back_makes_no_negative_duration() {
    let row = one("
        100.0 > S  0
        100.1 < S. 0 ack 1
        90.0  > .  1 ack 1
        100.3 > F. 1 ack 1
        100.2 < F. 1 ack 2
        100.4 > .  2 ack 2
    ");
    assert!(row.anomalies.has(Anomaly::ClockStep));
    assert_eq!((row.ts, row.at.last), (at("90"), at("100.4")));
    assert_eq!(row.ack_rtt, None);
}

#[test]
fn an_idle_connection_stays_for_days_and_then_says_why_it_went() {
    let kept = after_handshake("400000.0 > P. 701 len 1 ack 1");
    assert_eq!(kept.len(), 1);
    let split = after_handshake("500000.0 > P. 701 len 1 ack 1");
    assert_eq!(split[0].close_reason, Some(CloseReason::IdleTimeout));
}

#[test]
fn a_clock_at_the_end_of_time_does_not_tear_connections_apart() {
    let row = one("
        9223372036.854775807 > S  0
        1000.010             < S. 0 ack 1
        1000.020             > .  1 ack 1
        1000.030             > P. 1 len 10 ack 1
    ");
    assert_eq!(row.halves.map(|half| half.pkts), [3, 1]);
}

#[test]
fn a_loss_of_the_capture_marks_the_connections_that_it_fell_into() {
    let closing = "
        1.000 > F. 701 ack 1
        1.010 < F. 1 ack 702
        1.020 > .  702 ack 2
    ";
    let marked = |before: &str, after: &str| one_after_handshake(&format!("{before}{closing}{after}")).lost_capture;
    let during = "0.900 > . 701 ack 1 lost";
    let late = "1.500 > . 702 ack 2 lost";
    assert!(!marked("", ""));
    assert!(marked(during, ""));
    assert!(marked("", late), "another late segment may have been lost");
}

#[test]
fn a_loss_shortly_before_the_first_syn_may_have_been_of_another_syn() {
    let marked = |syn: &str| {
        let connections = track(&format!("0.000 > S 0\n 0.010 < R. 0 ack 1 lost\n {syn}"));
        assert_eq!(connections.len(), 2);
        connections[1].lost_capture
    };
    assert!(marked("3.000 > S 0 isn 5000") && !marked("3.020 > S 0 isn 5000"));
}

#[test]
fn an_earlier_loss_of_the_capture_marks_a_connection_whose_syn_was_not_seen() {
    let marked = |loss: &str, syn: &str| {
        let earlier = format!("0.000 > S 0\n 0.010 < R. 0 ack 1 {loss}");
        let connections = track(&format!("{earlier}\n {syn}\n 500.01 < S. 0 ack 1\n 500.02 > . 1 ack 1"));
        assert_eq!(connections.len(), 2);
        connections[1].lost_capture
    };
    let syn = "500.00 > S 0";
    assert!(!marked("", syn) && !marked("", ""));
    assert!(!marked("lost", syn), "all of it is there");
    assert!(marked("lost", ""), "its SYN may have been among what was lost");
}

#[test]
fn of_several_suspect_resets_that_silence_confirms_the_first_one_closed() {
    let rows = after_handshake(
        "
        1.000 > R  900
        1.001 > R  1900
        40.00 > S  0 isn 7777777
    ",
    );
    assert_eq!((rows[0].close_reason, rows[0].at.closed), (Some(CloseReason::Rst), Some(at("1.000"))));
    assert_eq!(rows[0].at.rst, rows[0].at.closed);
}

#[test]
fn a_forged_syn_tells_nothing_of_the_connection_that_it_is_thrown_at() {
    let opening = "
        0.000 > S  0 wscale 7
        0.010 < S. 0 ack 1 wscale 2
        0.020 > .  1 ack 1 win 100
    ";
    let rest = "
        1.010 < .  1 ack 1
        1.020 > P. 1 len 10 ack 1 win 100
    ";
    for seq in ["400", "5000000"] {
        let row = one(&format!("{opening} 1.000 > S 0 isn {seq} wscale 1 {rest}"));
        assert_eq!((row.halves[0].wscale, row.halves[0].window_max), (Some(7), Some(12_800)), "at {seq}");
        assert!(row.anomalies.has(Anomaly::SynInConnection));
    }
    let midway = one(&format!("0.5 < . 1 ack 1\n0.6 > . 1 ack 1\n1.0 > S 0 isn 400 wscale 1 {rest}"));
    assert!(midway.partial, "its own SYN was not seen");
    assert_eq!((midway.halves[0].wscale, midway.at.established), (None, None));
}

#[test]
fn a_new_connection_on_the_tuple_confirms_a_suspect_reset_once_it_is_answered() {
    let rows = after_handshake(
        "
        1.000 > R  900
        1.500 > S  0 isn 7777777
        1.510 < S. 0 isn 900000 ack 1 peer 7777777
    ",
    );
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].close_reason, rows[0].at.closed), (Some(CloseReason::Rst), Some(at("1.000"))));
}

#[test]
fn a_fin_that_passes_after_its_acknowledgment_closes_at_its_own_instant() {
    let row = one_after_handshake(
        "
        1.000  > F. 701 ack 1
        1.010  < .  1 ack 702
        1.020  > .  702 ack 2
        1.0201 < F. 1 ack 702
    ",
    );
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::Fin), Some(at("1.0201"))));
    assert_eq!(row.halves.map(|half| half.state), [TcpState::TimeWait, TcpState::Closed]);
}

#[test]
fn a_fin_in_the_place_of_acknowledged_data_does_not_close_at_its_instant() {
    let row = one_after_handshake(
        "
        1.000 < F. 1 ack 701
        1.001 > .  701 ack 2
        1.010 > F. 700 ack 2
        1.020 > P. 701 len 10 ack 2
        1.030 < .  2 ack 701
        2.000 > F. 711 ack 2
        2.010 < .  2 ack 712
    ",
    );
    assert_ne!(row.at.closed, Some(at("1.010")));
}
