//! How connections begin.

mod support;

use conntrack::{CloseReason, ConnState, DirectionBy, TcpState};
use support::{at, one, run, track};

const HANDSHAKE: &str = "
    0.000 > S  0 win 64240
    0.020 < S. 0 ack 1
    0.021 > .  1 ack 1
";

#[test]
fn a_handshake_establishes_and_shows_both_halves_of_the_round_trip() {
    let row = one(HANDSHAKE);
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
    assert_eq!((row.at.syn, row.at.synack, row.at.established), (Some(at("0")), Some(at("0.020")), Some(at("0.021"))));
    assert_eq!((row.syn_rtt, row.ack_rtt), (Some(20_000_000), Some(1_000_000)));
    assert_eq!((row.conn_state, row.history.as_str()), (ConnState::S1, "ShA"));
    assert_eq!((row.direction_by, row.partial), (DirectionBy::Syn, false));
    assert_eq!(row.close_reason, Some(CloseReason::CampaignEnd));
}

#[test]
fn a_syn_that_nothing_answers_times_out_130_s_after_its_first_packet() {
    let rows = track(
        "
        0.0   > S 0
        1.0   > S 0
        3.0   > S 0
        129.9 > S 0
        130.1 > S 0
    ",
    );
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].close_reason, Some(CloseReason::AttemptTimeout));
    assert_eq!((rows[0].halves[0].syn_pkts, rows[0].at.last), (4, at("129.9")));
    assert_eq!((rows[0].conn_state, rows[0].history.as_str()), (ConnState::S0, "S"));
}

#[test]
fn a_round_trip_after_a_repeated_syn_is_not_believed() {
    let row = one("
        0.0   > S  0
        1.0   > S  0
        1.020 < S. 0 ack 1
        1.021 > .  1 ack 1
    ");
    assert_eq!((row.syn_rtt, row.ack_rtt), (None, Some(1_000_000)));
}

#[test]
fn a_refused_syn_is_a_connection_of_its_own_and_so_is_the_next_try() {
    let rows = track(
        "
        0.0   > S  0
        0.010 < R. 0 ack 1
        0.500 > S  0
        0.510 < R. 0 ack 1
    ",
    );
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!((row.conn_state, row.history.as_str()), (ConnState::Rej, "Sr"));
        assert_eq!((row.close_reason, row.rst_by), (Some(CloseReason::Rst), Some(wire::Direction::Resp)));
        assert_eq!(row.at.closed, row.at.rst);
    }
}

#[test]
fn a_syn_doubled_by_the_capture_after_the_refusal_opens_nothing() {
    let row = one("
        0.0      > S  0
        0.000010 < R. 0 ack 1
        0.000011 > S  0
        0.000012 < R. 0 ack 1
    ");
    assert_eq!([row.halves[0].pkts, row.halves[1].pkts], [2, 2]);
}

#[test]
fn simultaneous_open_is_one_connection() {
    let row = one("
        0.000 > S  0
        0.001 < S  0
        0.020 > S. 0 ack 1
        0.021 < S. 0 ack 1
        0.030 > .  1 ack 1
    ");
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
    assert!(row.at.established.is_some());
}

#[test]
fn a_split_handshake_is_one_connection() {
    let row = one("
        0.000 > S  0
        0.010 < .  0 ack 1
        0.011 < S  0
        0.020 > S. 0 ack 1
        0.030 < .  1 ack 1
    ");
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
}

#[test]
fn a_syn_ack_alone_leaves_the_roles_open_and_data_settles_them() {
    let alone = run("0.0 < S. 0 ack 1", conntrack::Config::default());
    assert_eq!(alone.records[0].endpoints[0].port, 80, "backscatter: its sender is the originator, as in Zeek");
    assert_eq!((alone.records[0].conn_state, alone.records[0].history.as_str()), (ConnState::Oth, "H"));
    let settled = run(
        "
        0.0 < S. 0 ack 1
        0.1 > .  1 ack 1
        0.2 > P. 1 len 10 ack 1
    ",
        conntrack::Config::default(),
    );
    let row = settled.records[0];
    assert_eq!((row.endpoints[1].port, row.direction_by), (80, DirectionBy::SynAck));
    assert_eq!(row.history.as_str(), "^hAD");
    assert_eq!((row.at.syn, row.at.synack, row.at.established), (None, Some(at("0.0")), Some(at("0.1"))));
    assert_eq!(row.ack_rtt, Some(100_000_000));
    let directions: Vec<_> = settled.headers.iter().map(|header| header.dir.as_str()).collect();
    assert_eq!(directions, ["resp", "orig", "orig"], "headers wait until the roles are certain");
}

#[test]
fn a_syn_that_its_syn_ack_overtook_joins_the_connection() {
    let row = one("
        0.000 < S. 0 ack 1
        0.001 > S  0
        0.002 > .  1 ack 1
    ");
    assert_eq!((row.endpoints[0].port, row.conn_state), (40_000, ConnState::S1));
    assert_eq!((row.at.syn, row.at.synack, row.at.established), (Some(at("0.001")), Some(at("0")), Some(at("0.002"))));
    assert_eq!((row.syn_rtt, row.ack_rtt), (None, Some(2_000_000)));
}

#[test]
fn the_acknowledgment_of_the_client_decides_between_two_syn_acks() {
    let row = one("
        0.000 > S  0
        0.010 < S. 0 isn 5000 ack 1
        0.011 < S. 0 ack 1
        0.020 > .  1 ack 1
        0.030 < P. 1 len 100 ack 1
        0.040 > .  1 ack 101
    ");
    assert_eq!(row.halves[1].unique_bytes, 100);
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
    assert!(row.anomalies.has(conntrack::Anomaly::SynAckIsnChanged));
}

#[test]
fn without_a_syn_a_connection_is_partial_and_a_well_known_port_tells_the_responder() {
    let row = one("
        0.0 < P. 1 len 100 ack 1
        0.1 > .  1 ack 101
    ");
    assert!(row.partial);
    assert_eq!((row.endpoints[1].port, row.direction_by), (80, DirectionBy::Port));
    assert_eq!(row.halves.map(|half| half.unique_bytes), [0, 100]);
}

#[test]
fn data_on_a_syn_counts_and_is_noted() {
    let row = one("
        0.000 > S  0 len 100
        0.010 < S. 0 ack 101
        0.020 > .  101 ack 1
        0.030 > P. 101 len 50 ack 1
    ");
    assert!(row.tfo);
    assert_eq!(row.halves[0].unique_bytes, 150);
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
}

#[test]
fn windows_scale_only_when_both_syns_say_so() {
    let both = one("
        0.0 > S  0 wscale 7
        0.1 < S. 0 ack 1 wscale 2
        0.2 > .  1 ack 1 win 100
    ");
    assert_eq!(both.halves[0].window_max, Some(12_800));
    let one_side = one("
        0.0 > S  0 wscale 7
        0.1 < S. 0 ack 1
        0.2 > .  1 ack 1 win 100
    ");
    assert_eq!(one_side.halves[0].window_max, Some(100));
}

#[test]
fn a_reset_that_does_not_acknowledge_the_syn_refuses_nothing() {
    let row = one("
        0.000 > S  0
        0.005 < R. 0 ack 5000
        0.010 < S. 0 ack 1
        0.011 > .  1 ack 1
    ");
    assert_eq!((row.close_reason, row.at.closed), (Some(CloseReason::CampaignEnd), None));
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
    assert!(row.anomalies.has(conntrack::Anomaly::RstSuspect));
}

#[test]
fn the_reset_of_a_half_open_connection_ends_the_attempt_and_the_next_syn_begins_anew() {
    let rows = track(
        "
        0.000 > S  0
        0.020 < .  70000 ack 90000
        0.021 > R  90000
        3.000 > S  0
        3.020 < S. 0 ack 1
        3.021 > .  1 ack 1
        3.030 < P. 1 len 100 ack 1
    ",
    );
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].conn_state, rows[0].history.as_str()), (ConnState::Rstos0, "SaR"));
    assert_eq!((rows[0].close_reason, rows[0].rst_by), (Some(CloseReason::Rst), Some(wire::Direction::Orig)));
    assert_eq!((rows[1].conn_state, rows[1].history.as_str()), (ConnState::S1, "ShAd"));
    assert_eq!((rows[1].syn_rtt, rows[1].halves[1].unique_bytes), (Some(20_000_000), 100));
}

#[test]
fn after_an_acknowledgment_of_something_else_the_stream_begins_with_the_syn_ack() {
    let row = one("
        0.000 > S  0
        0.020 < .  700000 ack 900000
        1.000 > S  0
        1.020 < S. 0 ack 1
        1.021 > .  1 ack 1
        1.030 < P. 1 len 100 ack 1
        1.031 > .  1 ack 101
    ");
    assert_eq!(row.halves[1].unique_bytes, 100);
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
}

#[test]
fn both_endpoints_together_know_better_than_an_altered_syn_ack() {
    let row = one("
        0.000 > S  0
        0.020 < S. 9000 ack 1
        0.021 > .  1 ack 1
        0.030 < P. 1 len 100 ack 1
        0.031 > .  1 ack 101
    ");
    assert_eq!(row.halves[1].unique_bytes, 100);
    assert_eq!((row.syn_rtt, row.ack_rtt), (Some(20_000_000), None));
}

#[test]
fn an_acknowledgment_that_overtook_its_syn_ack_leaves_no_round_trip() {
    let row = one("
        0.000 > S  0
        0.020 > .  1 ack 1
        0.021 < S. 0 ack 1
        0.022 < P. 1 len 100 ack 1
        0.030 > .  1 ack 101
    ");
    assert_eq!((row.syn_rtt, row.ack_rtt), (None, None));
}

#[test]
fn a_syn_that_comes_after_the_end_of_its_connection_joins_it() {
    let row = one("
        0.000 < S. 0 ack 1
        0.001 > .  1 ack 1
        0.002 > F. 1 ack 1
        0.003 < F. 1 ack 2
        0.004 > .  2 ack 2
        0.005 > S  0
    ");
    assert_eq!((row.close_reason, row.halves[0].syn_pkts), (Some(CloseReason::Fin), 1));
}

#[test]
fn a_synack_that_passes_after_its_acknowledgment_opens_at_its_own_instant() {
    let row = one("
        0.000 > S  0
        0.010 > .  1 ack 1
        0.011 < S. 0 ack 1
        5.000 > P. 1 len 10 ack 1
    ");
    assert_eq!(row.at.established, Some(at("0.011")));
    assert_eq!(row.halves.map(|half| half.state), [TcpState::Established; 2]);
}
