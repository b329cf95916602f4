//! Abnormal segments, round trips and what else segments tell, as packet exchanges.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use conntrack::{Config, HalfRecord, SegmentClass};
use support::{feed, observation, one, segment};
use wire::{Nanos, Observation, SeqNum, TcpFlags};

const MS: i64 = 1_000_000;

/// A handshake with a round trip of 40 ms: 30 ms between tap and server, 10 ms between tap and client.
const HANDSHAKE: &str = "
    0.000 > S  0
    0.030 < S. 0 ack 1
    0.040 > .  1 ack 1
";

/// What the client did in an exchange after the handshake.
fn client(exchange: &str) -> HalfRecord {
    one(&format!("{HANDSHAKE}{exchange}")).halves[0]
}

/// The classes of an endpoint's segments, as text.
fn classes(half: &HalfRecord) -> String {
    let counts = SegmentClass::ALL.iter().map(|&class| (class, half.segments.classes.of(class)));
    let named: Vec<String> = counts.filter(|(_, n)| *n > 0).map(|(class, n)| format!("{n} {class}")).collect();
    named.join(", ")
}

#[test]
fn segments_in_order_have_no_class() {
    let half = client(
        "
        1.000 > .  1 len 1000 ack 1
        1.001 > P. 1001 len 500 ack 1
        1.031 < .  1 ack 1501
        2.000 > F. 1501 ack 1
        ",
    );
    assert_eq!(classes(&half), "");
    assert_eq!(half.segments.segment_max, 1000);
    assert_eq!(half.segments.in_flight_max, 1500);
    assert_eq!(half.segments.push_pkts, 1);
}

#[test]
fn a_third_duplicate_acknowledgment_makes_a_fast_retransmission_and_the_next_one_belongs_to_its_recovery() {
    let half = client(
        "
        1.000 > . 1    len 1000 ack 1
        1.001 > . 1001 len 1000 ack 1
        1.002 > . 2001 len 1000 ack 1
        1.003 > . 3001 len 1000 ack 1
        1.004 > . 4001 len 1000 ack 1
        1.005 > . 5001 len 1000 ack 1
        1.032 < . 1 ack 1001
        1.034 < . 1 ack 1001
        1.035 < . 1 ack 1001
        1.036 < . 1 ack 1001
        1.046 > . 1001 len 1000 ack 1
        1.076 < . 1 ack 2001
        1.086 > . 2001 len 1000 ack 1
        1.116 < . 1 ack 6001
        ",
    );
    assert_eq!(classes(&half), "2 rtx_fast");
    assert_eq!(half.segments.retrans_pkts, 2);
    assert_eq!(half.segments.retrans_bytes, 2000);
    assert_eq!(half.wire_bytes, half.unique_bytes + half.segments.retrans_bytes);
}

#[test]
fn without_duplicate_acknowledgments_a_late_retransmission_was_a_timeout_and_a_soon_one_is_unknown() {
    let timeout = "
        1.000 > . 1 len 1000 ack 1
        1.250 > . 1 len 1000 ack 1
        1.280 < . 1 ack 1001
    ";
    assert_eq!(classes(&client(timeout)), "1 rtx_timeout");
    let soon = "
        1.000 > . 1 len 1000 ack 1
        1.090 > . 1 len 1000 ack 1
        1.120 < . 1 ack 1001
    ";
    let half = client(soon);
    assert_eq!(classes(&half), "1 unknown_anomaly");
    assert_eq!(half.segments.retrans_pkts, 1, "sent again for sure, nobody knows why");
}

#[test]
fn go_back_n_after_a_timeout_is_all_timeout() {
    let half = client(
        "
        1.000 > . 1    len 1000 ack 1
        1.001 > . 1001 len 1000 ack 1
        1.002 > . 2001 len 1000 ack 1
        1.240 > . 1    len 1000 ack 1
        1.270 < . 1 ack 1001
        1.280 > . 1001 len 1000 ack 1
        1.281 > . 2001 len 1000 ack 1
        1.311 < . 1 ack 3001
        ",
    );
    assert_eq!(classes(&half), "3 rtx_timeout");
}

#[test]
fn what_was_acknowledged_is_sent_again_unnecessarily() {
    let half = client(
        "
        1.000 > . 1 len 1000 ack 1
        1.030 < . 1 ack 1001
        1.080 > . 1 len 1000 ack 1
        1.110 < . 1 ack 1001 sack 1 to 1001
        ",
    );
    assert_eq!(classes(&half), "1 rtx_unnecessary");
    let record = one(&format!("{HANDSHAKE} 1.000 > . 1 len 1000 ack 1\n 1.030 < . 1 ack 1001 sack 1 to 1001"));
    assert_eq!((record.halves[1].segments.sack_pkts, record.halves[1].segments.dsacks), (1, 1));
}

#[test]
fn a_hole_filled_within_a_round_trip_was_reordering_and_later_it_was_not() {
    let exchange = |seconds: &str| {
        format!(
            "
            1.000 > . 1    len 1000 ack 1
            1.001 > . 2001 len 1000 ack 1
            {seconds} > . 1001 len 1000 ack 1
            "
        )
    };
    let early = client(&exchange("1.003"));
    assert_eq!(classes(&early), "1 reordered");
    assert_eq!(early.segments.retrans_pkts, 0);
    assert_eq!(early.unique_bytes, early.wire_bytes);
    assert_eq!(classes(&client(&exchange("1.050"))), "1 unknown_anomaly");
    assert_eq!(classes(&client(&exchange("1.200"))), "1 rtx_timeout");
}

#[test]
fn the_senders_clock_tells_an_overtaken_segment_from_a_retransmission() {
    let exchange = |tsval: u32| {
        format!(
            "
            1.000 > . 1    len 1000 ack 1 tsval 100
            1.001 > . 2001 len 1000 ack 1 tsval 102
            1.060 > . 1001 len 1000 ack 1 tsval {tsval}
            "
        )
    };
    assert_eq!(classes(&client(&exchange(101))), "1 reordered");
    assert_eq!(classes(&client(&exchange(160))), "1 unknown_anomaly");
}

#[test]
fn a_segment_with_an_older_timestamp_than_was_accepted_is_an_old_duplicate() {
    let half = client(
        "
        1.000 > . 1    len 1000 ack 1 tsval 100
        1.030 < . 1 ack 1001
        1.300 > . 1001 len 1000 ack 1 tsval 400
        1.330 < . 1 ack 2001
        1.400 > . 1    len 1000 ack 1 tsval 90
        ",
    );
    assert_eq!(classes(&half), "1 old_duplicates");
    assert_eq!((half.segments.retrans_bytes, half.segments.other_bytes), (0, 1000));
}

#[test]
fn a_copy_with_the_same_identification_is_the_captures_when_it_comes_at_once_and_else_the_networks() {
    let exchange = |seconds: &str, id: u16| {
        format!(
            "
            1.000 > . 1    len 1000 ack 1 id 7
            1.001 > . 1001 len 1000 ack 1 id 8
            {seconds} > . 1 len 1000 ack 1 id {id}
            "
        )
    };
    assert_eq!(classes(&client(&exchange("1.0015", 7))), "1 dup_network", "no data RTT, so later than 1 ms");
    assert_eq!(classes(&client(&exchange("1.001", 7))), "1 dup_capture");
    assert_eq!(classes(&client(&exchange("1.001", 9))), "1 unknown_anomaly");
    assert_eq!(classes(&client(&exchange("301.0", 7))), "1 rtx_timeout", "identifications come around");
    let constant = exchange("1.001", 8).replace("id 8", "id 7").replace("id 7", "id 5");
    assert_eq!(classes(&client(&constant)), "1 dup_capture", "an identification that never changes is none");
}

#[test]
fn a_capture_that_doubles_every_packet_changes_no_measure() {
    let single = "
        0.000 > S  0 id 1
        0.030 < S. 0 ack 1
        0.040 > .  1 ack 1 id 2
        1.000 > P. 1 len 1000 ack 1 id 3
        1.031 < .  1 ack 1001 id 71
        1.040 > P. 1001 len 10 ack 1 id 4
        1.072 < P. 1 len 500 ack 1011 id 72
        1.090 > .  1011 ack 501 id 5
        2.000 > F. 1011 ack 501 id 6
        2.030 < F. 501 ack 1012 id 73
        2.040 > .  1012 ack 502 id 7
    ";
    let copy = |line: &str| {
        let (time, rest) = line.trim().split_once(' ').unwrap_or((line, ""));
        if rest.is_empty() { String::new() } else { format!("{time} {rest}\n{time}00007 {rest}\n") }
    };
    let double: String = single.lines().map(copy).collect();
    let (single, mut double) = (one(single), one(&double));
    assert_eq!(classes(&double.halves[0]), "7 dup_capture");
    assert_eq!(classes(&double.halves[1]), "4 dup_capture");
    for (half, once) in double.halves.iter_mut().zip(&single.halves) {
        assert_eq!((half.pkts, half.wire_bytes), (2 * once.pkts, 2 * once.wire_bytes));
        assert_eq!(half.segments.other_bytes, once.wire_bytes);
        assert_eq!(half.segments.retrans_pkts, 0);
        half.segments.other_bytes = 0;
        half.segments.abnormal_pkts = 0;
        half.segments.classes = Default::default();
        half.segments.push_pkts = once.segments.push_pkts;
        assert_eq!((half.segments, half.rtt, half.unique_bytes), (once.segments, once.rtt, once.unique_bytes));
    }
    assert_eq!((single.syn_rtt, single.ack_rtt), (double.syn_rtt, double.ack_rtt));
    assert_eq!((single.close_reason, single.at.closed), (double.close_reason, double.at.closed));
    assert_eq!(single.anomalies, double.anomalies);
}

#[test]
fn one_byte_before_the_next_is_a_keep_alive_once_all_is_acknowledged_and_else_a_retransmission() {
    let idle = "
        1.000 > P. 1 len 10 ack 1
        1.030 < .  1 ack 11
        76.00 > .  10 len 1 ack 1
        76.03 < .  1 ack 11
        151.0 > .  10 ack 1
        151.03 < . 1 ack 11
    ";
    assert_eq!(classes(&client(idle)), "2 keepalives");
    let typed = "
        1.000 > P. 1 len 1 ack 1
        1.300 > P. 1 len 1 ack 1
        1.330 < .  1 ack 2
    ";
    assert_eq!(classes(&client(typed)), "1 rtx_timeout");
}

#[test]
fn a_byte_into_a_closed_window_is_a_probe_and_the_window_is_closed_until_it_opens() {
    let record = one(&format!(
        "{HANDSHAKE}
        1.000 > P. 1 len 1000 ack 1
        1.030 < .  1 ack 1001 win 0
        1.400 > .  1001 len 1 ack 1
        1.430 < .  1 ack 1001 win 0
        2.200 > .  1001 len 1 ack 1
        2.230 < .  1 ack 1001 win 0
        3.030 < .  1 ack 1001 win 4000
        3.040 > P. 1001 len 100 ack 1
        3.070 < .  1 ack 1101 win 0
        4.000 < R. 1 ack 1101
        "
    ));
    let [client, server] = record.halves;
    assert_eq!(classes(&client), "2 zero_window_probes");
    assert_eq!(server.segments.zero_window_count, 2);
    assert_eq!(server.segments.zero_window_time, 2000 * MS + 930 * MS);
}

#[test]
fn a_duplicate_acknowledgment_repeats_acknowledgment_and_window_while_data_is_outstanding() {
    let record = one(&format!(
        "{HANDSHAKE}
        1.000 > . 1    len 1000 ack 1
        1.001 > . 1001 len 1000 ack 1
        1.030 < . 1 ack 1001 win 5000
        1.031 < . 1 ack 1001 win 5000
        1.032 < . 1 ack 1001 win 6000
        1.033 < P. 1 len 5 ack 1001 win 6000
        1.034 < . 6 ack 2001 win 6000
        1.035 < . 6 ack 2001 win 6000
        "
    ));
    assert_eq!(record.halves[1].segments.dup_acks, 1);
}

#[test]
fn round_trips_follow_karn() {
    let half = client(
        "
        1.000 > . 1    len 1000 ack 1
        1.030 < . 1 ack 1001
        2.000 > . 1001 len 1000 ack 1
        2.001 > . 2001 len 1000 ack 1
        2.034 < . 1 ack 3001
        3.000 > . 3001 len 1000 ack 1
        3.001 > . 4001 len 1000 ack 1
        3.400 > . 3001 len 1000 ack 1
        3.430 < . 1 ack 4001
        3.431 < . 1 ack 5001
        4.000 > F. 5001 ack 1
        4.038 < . 1 ack 5002
        ",
    );
    let rtt = half.rtt;
    assert_eq!((rtt.n, rtt.min, rtt.max), (3, Some(30 * MS), Some(38 * MS)));
    assert_eq!(rtt.mean, Some(33_666_666));
    assert_eq!(rtt.sd, Some(4_041_452));
}

/// A packet with these numbers, sequence and acknowledgment, at `ts` ns.
fn packet(to_server: bool, flags: TcpFlags, [seq, ack]: [u32; 2], len: u32, ts: i64) -> Observation {
    let mut packet = segment(to_server, flags);
    (packet.seq, packet.ack, packet.payload_len, packet.ip_len) = (SeqNum(seq), SeqNum(ack), len, 40 + len);
    observation(packet, Nanos(ts), Nanos(ts))
}

/// A handshake of 2 ms with initial sequence numbers of 0.
fn handshake() -> [Observation; 3] {
    let (syn, ack) = (TcpFlags::SYN, TcpFlags::ACK);
    [packet(true, syn, [0, 0], 0, 0), packet(false, syn.with(ack), [0, 1], 0, MS), packet(true, ack, [1, 1], 0, 2 * MS)]
}

#[test]
fn a_week_in_which_both_streams_wrap_is_one_record_with_exact_counts() {
    const STEP: u32 = 60_000;
    const ROUNDS: u32 = 150_000;
    let ack = TcpFlags::ACK;
    let mut packets = handshake().to_vec();
    let mut add = |to_server: bool, flags, numbers, len, ts| packets.push(packet(to_server, flags, numbers, len, ts));
    let every = 7 * 86_400 * Nanos::PER_SECOND / i64::from(ROUNDS);
    for round in 0..ROUNDS {
        let ts = i64::from(round + 1) * every;
        let at = round.wrapping_mul(STEP).wrapping_add(1);
        let next = at.wrapping_add(STEP);
        add(true, ack, [at, at], STEP, ts);
        add(false, ack, [at, next], STEP, ts + 30 * MS);
        add(true, ack, [next, next], 0, ts + 40 * MS);
    }
    let end = packets.last().map_or(Nanos(0), |packet| packet.ts);
    let config = Config { interim_every: None, ..Config::default() };
    let records = feed(&packets, end, config).records;
    assert_eq!(records.len(), 1);
    for half in records[0].halves {
        assert_eq!(half.unique_bytes, u64::from(STEP) * u64::from(ROUNDS), "twice around the sequence space");
        assert_eq!((half.wire_bytes, half.segments.abnormal_pkts), (half.unique_bytes, 0));
        assert_eq!(half.rtt.n, u64::from(ROUNDS));
        assert_eq!(half.segments.in_flight_max, STEP);
    }
    assert_eq!(records[0].halves[0].rtt.mean, Some(30 * MS));
    assert_eq!(records[0].halves[1].rtt.sd, Some(0));
    assert_eq!(records[0].anomalies.iter().count(), 0);
}

#[test]
fn a_stream_that_passes_unseen_for_gigabytes_is_measured_by_its_acknowledgments() {
    const STEP: u32 = 60_000;
    const ROUNDS: u32 = 60_000;
    let ack = TcpFlags::ACK;
    let mut packets = handshake().to_vec();
    let mut add = |to_server: bool, flags, numbers, len, ts| packets.push(packet(to_server, flags, numbers, len, ts));
    add(false, ack, [1, 1], STEP, 3 * MS);
    for round in 1..=ROUNDS {
        add(true, ack, [1, 1 + round.wrapping_mul(STEP)], 0, i64::from(round + 3) * MS);
    }
    let (last, end) = (1 + ROUNDS.wrapping_mul(STEP), i64::from(ROUNDS + 4) * MS);
    add(false, ack, [last, 1], STEP, end);
    add(true, ack, [1, last.wrapping_add(STEP)], 0, end + MS);
    let records = feed(&packets, Nanos(end + MS), Config::default()).records;
    let halves = &records.last().expect("a record").halves;
    let unseen = u64::from(STEP) * u64::from(ROUNDS - 1);
    assert!(unseen > 3 << 30, "more than half of the sequence space at once");
    assert_eq!((halves[1].unique_bytes, halves[1].missed_bytes), (2 * u64::from(STEP), Some(unseen)));
}

#[test]
fn a_stream_whose_peer_takes_another_way_is_followed_all_the_same() {
    let record = one("
        0.000 > S 0
        0.040 > . 1 ack 1
        1.000 > . 1 len 1000 ack 1
        1.001 > . 3001 len 1000 ack 1
        1.002 > . 1001 len 2000 ack 1
        1.600 > . 3001 len 1000 ack 1
    ");
    assert_eq!(classes(&record.halves[0]), "1 rtx_timeout, 1 reordered");
    assert_eq!(record.halves[0].unique_bytes, 4000);
    assert_eq!(record.anomalies.iter().count(), 0);
}

#[test]
fn data_that_its_acknowledgment_overtook_was_not_sent_again() {
    let overtaken = client(
        "
        0.900  > P. 1 len 700 ack 1
        1.000  < . 1 ack 1401
        1.0001 > P. 701 len 700 ack 1
        1.100  > P. 1401 len 700 ack 1
        ",
    );
    assert_eq!((classes(&overtaken), overtaken.unique_bytes), (String::new(), 2100));
    let far_ahead = client(
        "
        0.900 > P. 1 len 700 ack 1
        1.000 < . 1 ack 40000
        1.100 > . 701 len 1000 ack 1
        1.200 > . 1701 len 1000 ack 1
        1.900 > . 701 len 1000 ack 1
        ",
    );
    assert_eq!(classes(&far_ahead), "1 rtx_timeout", "only what was seen before came again");
}

#[test]
fn a_sender_whose_timestamps_begin_again_lower_is_believed_when_its_receiver_does() {
    let record = one("
        0.000 > S  0 tsval 5000000
        0.030 < S. 0 ack 1 tsval 100 tsecr 5000000
        0.040 > .  1 ack 1 tsval 5000040 tsecr 100
        1.000 > P. 1 len 100 ack 1 tsval 5001000 tsecr 100
        1.030 < .  1 ack 101 tsval 1130 tsecr 5001000
        2.000 > P. 101 len 100 ack 1 tsval 70 tsecr 1130
        2.030 < .  1 ack 201 tsval 2130 tsecr 70
        3.000 > P. 201 len 100 ack 1 tsval 1070 tsecr 2130
        3.030 < .  1 ack 301 tsval 3130 tsecr 1070
        4.000 > F. 301 len 10 ack 1 tsval 2070 tsecr 3130
        4.030 < F. 1 ack 312 tsval 4130 tsecr 2070
        4.040 > .  312 ack 2 tsval 2110 tsecr 4130
    ");
    assert_eq!(classes(&record.halves[0]), "1 old_duplicates");
    assert_eq!(record.close_reason, Some(conntrack::CloseReason::Fin));
    assert_eq!(record.at.closed, Some(Nanos(4_040 * MS)));
}
