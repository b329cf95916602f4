//! What comes of packets after the end of a connection that FINs closed.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use conntrack::{Anomaly, CloseReason, Config, Record, Shard, ShardStats, Straggler, Timeouts};
use support::{Kept, at, packets};
use wire::{Direction, Packet};

/// A connection whose last acknowledgment passes at 1.020.
const CLOSED: &str = "
    0.000 > S  0
    0.010 < S. 0 ack 1
    0.020 > .  1 ack 1
    0.030 > P. 1 len 700 ack 1
    0.040 < .  1 ack 701
    1.000 > F. 701 ack 1
    1.010 < F. 1 ack 702
    1.020 > .  702 ack 2
";

/// The final rows, in the order of their first packets, and what the shard counted, which must add up.
fn track(exchange: &str, config: Config) -> (Vec<Record>, ShardStats) {
    let (mut shard, mut kept) = (Shard::new(config), Kept::default());
    let packets = packets(exchange);
    for observation in &packets {
        shard.step(&Packet { observation, headers: b"header" }, &mut kept);
    }
    shard.finish(packets.last().map_or(at("0"), |last| last.clock), &mut kept);
    let (mut rows, stats) = (kept.records, shard.stats());
    rows.retain(|row| row.is_final);
    rows.sort_by_key(|row| row.ts);
    let in_rows: u64 = rows.iter().flat_map(|row| row.halves).map(|half| half.pkts).sum();
    assert_eq!(in_rows + stats.stragglers.total(), packets.len() as u64);
    let in_series: u64 = kept.intervals.iter().flat_map(|bin| bin.halves).map(|half| half.pkts).sum();
    assert_eq!(in_series, packets.len() as u64);
    (rows, stats)
}

fn after_close(rest: &str) -> (Vec<Record>, ShardStats) {
    track(&format!("{CLOSED}{rest}"), Config::default())
}

/// The connection alone, where nothing opened another.
fn closed_alone(rest: &str) -> (Record, ShardStats) {
    let (rows, stats) = after_close(rest);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    (rows[0], stats)
}

#[test]
fn a_fin_that_comes_again_and_again_stands_in_the_row_of_its_connection() {
    let (row, stats) = closed_alone(
        "
        2.010   < F. 1 ack 702
        4.010   < F. 1 ack 702
        8.010   < F. 1 ack 702
        16.010  < F. 1 ack 702
        64.010  < F. 1 ack 702
        64.020  > .  702 ack 2
        240.010 < F. 1 ack 702
        ",
    );
    assert_eq!(
        (row.close_reason, row.at.closed, row.at.last),
        (Some(CloseReason::Fin), Some(at("1.020")), at("240.010"))
    );
    assert_eq!((row.halves[1].fin_pkts, row.halves[0].pkts, stats.stragglers.total()), (7, 6, 0));
}

#[test]
fn what_first_comes_again_after_the_tombstone_opens_nothing_and_is_counted_by_what_it_is() {
    let (row, stats) = closed_alone(
        "
        7.000   < F. 1 ack 702
        7.010   > .  702 ack 2
        8.000   > P. 1 len 700 ack 1
        9.000   > R  702
        9.100   > R. 702
        241.019 < F. 1 ack 702
        ",
    );
    assert_eq!((row.at.last, row.halves.map(|half| half.pkts)), (at("1.020"), [5, 3]));
    let counted = [Straggler::Fin, Straggler::Acknowledgment, Straggler::Data, Straggler::Reset];
    assert_eq!(counted.map(|name| stats.stragglers.of(name)), [2, 1, 1, 2]);
    assert_eq!((stats.opened, stats.live, stats.time_wait_evicted), (1, 0, 0));
}

#[test]
fn when_the_time_is_over_a_late_segment_is_as_good_as_any() {
    for late in ["300.000 < F. 1 ack 702", "2.000 < F. 1 ack 702\n 300.000 < F. 1 ack 702"] {
        let (rows, stats) = after_close(late);
        assert_eq!((rows.len(), rows[1].partial, stats.stragglers.total()), (2, true, 0), "after {late}");
    }
}

#[test]
fn a_syn_opens_a_connection_at_once() {
    let early = "2.000 < F. 1 ack 702";
    let new = "
        60.000 > S  0 isn 4000000
        60.010 < S. 0 isn 8000000 ack 1 peer 4000000
        60.020 > .  1 isn 4000000 ack 1 peer 8000000
    ";
    for rest in [new.to_owned(), format!("{early}{new}")] {
        let (rows, stats) = after_close(&rest);
        assert_eq!((rows.len(), rows[1].ts, rows[1].halves.map(|half| half.pkts)), (2, at("60.0"), [2, 1]));
        assert_eq!((rows[1].anomalies.iter().count(), stats.stragglers.total()), (0, 0));
    }
}

#[test]
fn numbers_from_elsewhere_belong_to_another_connection_whose_syn_was_lost() {
    let early = "2.000 < F. 1 ack 702";
    let strange = "
        60.000 > P. 1 isn 400000000 len 10 ack 1 peer 800000000
        60.010 < .  1 isn 800000000 ack 11 peer 400000000
    ";
    for rest in [strange.to_owned(), format!("{early}{strange}")] {
        let (rows, stats) = after_close(&rest);
        assert_eq!((rows.len(), rows[1].partial, rows[1].halves.map(|half| half.pkts)), (2, true, [1, 1]));
        assert_eq!(stats.stragglers.total(), 0);
    }
    let beyond = "60.000 > P. 702 len 10 ack 2";
    assert_eq!(after_close(beyond).0.len(), 2, "after a FIN nothing can follow");
}

#[test]
fn what_comes_late_goes_to_no_connection_that_numbers_from_elsewhere_have_opened_beside_it() {
    let early = "2.000 < F. 1 ack 702\n";
    let rest = "
        60.000 > P. 1 isn 400000000 len 10 ack 1 peer 800000000
        61.000 < F. 1 ack 702
        61.010 > .  702 ack 2
        62.000 < .  1 isn 800000000 ack 11 peer 400000000
    ";
    for rest in [rest.to_owned(), format!("{early}{rest}")] {
        let (rows, stats) = after_close(&rest);
        assert_eq!((rows.len(), rows[1].halves.map(|half| half.pkts)), (2, [1, 1]));
        assert_eq!((rows[1].at.fin, rows[1].anomalies.iter().count()), ([None; 2], 0));
        assert_eq!([Straggler::Fin, Straggler::Acknowledgment].map(|name| stats.stragglers.of(name)), [1, 1]);
    }
    let (rows, _) = after_close(&format!("{rest} 300.000 > F. 11 isn 400000000 ack 1 peer 800000000"));
    assert_eq!(rows[1].halves[0].fin_pkts, 1, "when the time is over, all is its own");
}

#[test]
fn flags_without_meaning_open_nothing_beside_a_tuple_in_time_wait_wherever_their_numbers_lie() {
    let early = "2.000 < F. 1 ack 702\n";
    for strange in ["60.000 > - 1", "60.000 > F 500000000", "60.000 < SF 1 isn 300000000"] {
        let (row, stats) = closed_alone(strange);
        assert_eq!((row.halves[0].pkts, stats.stragglers.of(Straggler::BadFlags)), (5, 1), "{strange}");
        assert_eq!(stats.anomalies.of(Anomaly::BadFlags), 1);
        let (row, stats) = closed_alone(&format!("{early}{strange}"));
        assert_eq!(row.halves.map(|half| half.pkts).iter().sum::<u64>(), 10, "in the row that waits: {strange}");
        assert_eq!((stats.stragglers.total(), row.anomalies.has(Anomaly::BadFlags)), (0, true));
    }
    assert_eq!(after_close("300.000 > - 1").0.len(), 2, "a tuple that nobody holds");
}

#[test]
fn after_a_reset_nothing_is_remembered_beyond_the_tombstone() {
    let opening = CLOSED.split("1.000").next().expect("what comes before the FIN");
    let reset = format!("{opening} 1.000 < R. 1 ack 701\n 1.100 > P. 701 len 10 ack 1\n 9.000 > P. 701 len 10 ack 1");
    let (rows, stats) = track(&reset, Config::default());
    assert_eq!((rows.len(), rows[0].halves[0].pkts, stats.stragglers.total()), (2, 4, 0));
}

#[test]
fn copies_that_the_capture_made_do_not_keep_a_closed_connection() {
    let copied = CLOSED.replace("1.010 < F. 1 ack 702", "1.010 < F. 1 ack 702 id 7").replace("1.020", "1.0105");
    let late = "1.0108 < F. 1 ack 702 id 7\n 7.000 < F. 1 ack 702 id 8";
    let (rows, stats) = track(&format!("{copied}{late}"), Config::default());
    assert_eq!((rows.len(), rows[0].halves[1].pkts), (1, 4));
    assert_eq!(stats.stragglers.of(Straggler::Fin), 1, "it was no sign that an endpoint had not heard");
}

#[test]
fn the_originator_is_still_known_by_the_series() {
    let exchange = format!("{CLOSED} 7.000 < F. 1 ack 702");
    let (mut shard, mut kept) = (Shard::new(Config::default()), Kept::default());
    for observation in &packets(&exchange) {
        shard.step(&Packet { observation, headers: b"header" }, &mut kept);
    }
    shard.finish(at("7.0"), &mut kept);
    let last = kept.intervals.iter().max_by_key(|bin| bin.ts).expect("a bin");
    assert_eq!((last.halves[Direction::Orig.index()].pkts, last.halves[Direction::Resp.index()].pkts), (0, 1));
}

/// The same exchange from another port of the client.
fn from_port(exchange: &str, port: u16) -> Vec<wire::Observation> {
    let mut packets = packets(exchange);
    for packet in &mut packets {
        let ends = [wire::End::Low, wire::End::High].map(|end| packet.segment.key.endpoint(end));
        let [low, high] = ends.map(|end| if end.port == 40_000 { wire::Endpoint { port, ..end } } else { end });
        let (source, destination) = if packet.segment.sender == wire::End::Low { (low, high) } else { (high, low) };
        (packet.segment.key, packet.segment.sender) =
            wire::FlowKey::new(packet.segment.key.family(), source, destination);
        packet.hash = wire::FlowHasher::new(1).hash(&packet.segment.key);
    }
    packets
}

#[test]
fn the_memory_is_bounded_and_the_oldest_go_first_and_are_counted() {
    let config = Config { max_time_wait: 3, ..Config::default() };
    let (mut shard, mut kept) = (Shard::new(config), Kept::default());
    for port in 1..=5 {
        for observation in &from_port(CLOSED, port) {
            shard.step(&Packet { observation, headers: b"header" }, &mut kept);
        }
    }
    for port in 1..=5 {
        for observation in &from_port("9.000 < F. 1 ack 702", port) {
            shard.step(&Packet { observation, headers: b"header" }, &mut kept);
        }
    }
    shard.finish(at("9.0"), &mut kept);
    let stats = shard.stats();
    assert_eq!((stats.time_wait_evicted, stats.stragglers.of(Straggler::Fin), stats.opened), (2, 3, 7));
    assert_eq!(kept.records.iter().filter(|row| row.partial).count(), 2);
}

#[test]
fn connections_that_make_room_after_their_end_are_remembered_too_and_are_not_called_evicted() {
    let config = Config { max_connections: 1, ..Config::default() };
    let other = from_port("2.000 > . 1 ack 1", 7);
    let late = packets("3.000 < F. 1 ack 702");
    let (mut shard, mut kept) = (Shard::new(config), Kept::default());
    for observation in packets(CLOSED).iter().chain(&other).chain(&late) {
        shard.step(&Packet { observation, headers: b"header" }, &mut kept);
    }
    assert_eq!((shard.stats().evicted, shard.stats().stragglers.of(Straggler::Fin)), (0, 1));
}

#[test]
fn each_is_forgotten_in_its_own_time_in_whatever_order_they_came() {
    // The first port's endpoint has not heard of the end, so its row waits, until at 200 s a stranger has it written; the second closed long
    // after it and was remembered long before.
    let waits = from_port(&format!("{CLOSED} 2.000 < F. 1 ack 702"), 1);
    let second = from_port(
        &CLOSED
            .lines()
            .map(|line| line.replacen("0.", "100.", 1))
            .collect::<Vec<_>>()
            .join("\n")
            .replace(" 1.", " 101."),
        2,
    );
    let stranger = from_port("200.000 > . 1 isn 400000000 ack 1 peer 800000000", 1);
    let late = |second: &str, port| from_port(&format!("{second} < F. 1 ack 702"), port);
    let (mut shard, mut kept) = (Shard::new(Config::default()), Kept::default());
    let mut stragglers = Vec::new();
    let lates = [late("240.0", 1), late("242.0", 1), late("340.0", 2), late("342.0", 2)];
    for part in [waits, second, stranger].into_iter().chain(lates) {
        for observation in &part {
            shard.step(&Packet { observation, headers: b"header" }, &mut kept);
        }
        stragglers.push(shard.stats().stragglers.total());
    }
    assert_eq!(stragglers, [0, 0, 0, 1, 1, 2, 2]);
}

#[test]
fn it_can_be_switched_off() {
    let late = format!("{CLOSED} 7.000 < F. 1 ack 702");
    let none = Config { max_time_wait: 0, ..Config::default() };
    let never = Config { timeouts: Timeouts { time_wait: 0, ..Timeouts::default() }, ..Config::default() };
    for config in [none, never] {
        assert_eq!(track(&late, config).0.len(), 2);
    }
}

#[test]
fn every_packet_with_an_anomaly_is_counted_by_its_name() {
    let opening = CLOSED.split("1.000").next().expect("what comes before the FIN");
    let exchange = format!(
        "{opening}
        1.000 > R  900
        1.020 > R  900
        1.025 < R  90000000
        1.030 > -  701
        1.100 > P. 701 len 10 ack 1
        1.050 < .  1 ack 711
    "
    );
    let (rows, stats) = track(&exchange, Config::default());
    let names = [Anomaly::RstSuspect, Anomaly::RstOutOfWindow, Anomaly::BadFlags, Anomaly::ClockStep];
    assert_eq!(names.map(|name| stats.anomalies.of(name)), [2, 1, 1, 1]);
    assert_eq!(stats.anomalies.total(), 5);
    assert_eq!(rows[0].anomalies.iter().count(), 4);
}
