//! What holds of a shard at the ends of time, at its bounds, and of when it hands rows over.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use conntrack::{CloseReason, Config, Record, Shard};
use support::{Kept, at, feed, observation, packets, run, segment, track};
use wire::{End, FlowKey, Nanos, Observation, Packet, SeqNum, TcpFlags};

const MS: i64 = 1_000_000;

/// A segment from port `port` of the client, at an instant that is the source's clock as well.
fn from_port(port: u16, to_server: bool, flags: TcpFlags, ts: Nanos) -> Observation {
    let mut packet = segment(to_server, flags);
    let ends = [End::Low, End::High].map(|end| packet.key.endpoint(end));
    let mut source = ends[usize::from(packet.sender == End::High)];
    let mut destination = ends[usize::from(packet.sender == End::Low)];
    if to_server {
        source.port = port
    } else {
        destination.port = port
    }
    (packet.key, packet.sender) = FlowKey::new(packet.key.family(), source, destination);
    observation(packet, ts, ts)
}

fn step(shard: &mut Shard, packet: &Observation, kept: &mut Kept) {
    shard.step(&Packet { observation: packet, headers: b"header" }, kept);
}

#[test]
fn time_may_begin_and_end_where_nanoseconds_do() {
    for start in [i64::MIN, i64::MIN + 1, i64::MAX - 400 * MS, i64::MAX - 200 * MS] {
        let mut packets = packets(
            "
            0.000 > . 1 ack 1
            0.200 < . 1 ack 1
            0.200 > . 1 ack 1
            ",
        );
        for packet in &mut packets {
            packet.ts = Nanos(start).plus(packet.ts.0);
            packet.clock = packet.ts;
        }
        packets.insert(0, from_port(7, true, TcpFlags::SYN, Nanos(start)));
        let end = Nanos(start).plus(400 * MS);
        let records = feed(&packets, end, Config::default()).records;
        let mut reasons: Vec<_> = records.iter().filter(|row| row.is_final).map(|row| row.close_reason).collect();
        reasons.sort_by_key(|reason| format!("{reason:?}"));
        assert_eq!(reasons, [Some(CloseReason::CampaignEnd); 2], "from {start}");
    }
}

/// The packets from a port.
type Flooder<'a> = &'a dyn Fn(u16) -> Vec<Observation>;

/// A flood from as many ports as there are, each with its own packets, within a second.
fn flood(each: impl Fn(u16) -> Vec<Observation>) -> (Kept, Shard) {
    let config =
        Config { max_attempts: 1000, max_connections: 1000, evicted_attempts_per_second: 10, ..Config::default() };
    let (mut shard, mut kept) = (Shard::new(config), Kept::default());
    for port in 1..20_000 {
        for packet in each(port) {
            step(&mut shard, &packet, &mut kept);
        }
        assert!(shard.stats().live <= 1000 + 250, "{:?}", shard.stats());
    }
    (kept, shard)
}

#[test]
fn no_shape_of_syn_turns_a_flood_into_rows() {
    let syn = |port: u16, n: i64| from_port(port, true, TcpFlags::SYN, Nanos(i64::from(port) * 40_000 + n * 2 * MS));
    let with_data = |port| {
        let mut packet = syn(port, 0);
        packet.segment.payload_len = 10;
        vec![packet]
    };
    let pushed = |port| {
        let mut packet = syn(port, 0);
        packet.segment.flags = TcpFlags::SYN.with(TcpFlags::PSH);
        vec![packet]
    };
    let thrice = |port| (0..3).map(|n| syn(port, n)).collect::<Vec<_>>();
    let renumbered = |port| {
        let mut packet = syn(7, 0);
        packet.ts = Nanos(i64::from(port) * 40_000);
        packet.clock = packet.ts;
        packet.segment.seq = SeqNum(u32::from(port) * 1000);
        vec![packet]
    };
    let floods: [(&str, Flooder<'_>); 4] =
        [("with data", &with_data), ("pushed", &pushed), ("thrice", &thrice), ("renumbered", &renumbered)];
    for (name, each) in floods {
        let (mut kept, mut shard) = flood(each);
        assert!(kept.records.len() <= 10, "{name}: {} rows", kept.records.len());
        let held = shard.stats().live;
        assert!((1..=250).contains(&held), "{name}: {held} in the big table");
        shard.finish(at("1.0"), &mut kept);
        let packets: u64 = kept.records.iter().flat_map(|row| row.halves).map(|half| half.pkts).sum();
        assert_eq!(packets + shard.stats().unrecorded_packets, shard.stats().packets, "{name}");
        assert_eq!(kept.records.len() as u64 + shard.stats().unrecorded, shard.stats().opened, "{name}");
    }
}

#[test]
fn a_flood_of_syns_with_data_displaces_no_connection() {
    let config = Config { max_connections: 8, ..Config::default() };
    let (mut shard, mut kept) = (Shard::new(config), Kept::default());
    for port in 1..=6 {
        let ts = Nanos(i64::from(port));
        step(&mut shard, &from_port(port, true, TcpFlags::ACK, ts), &mut kept);
        step(&mut shard, &from_port(port, false, TcpFlags::ACK, ts), &mut kept);
    }
    for port in 100..200 {
        let mut packet = from_port(port, true, TcpFlags::SYN, Nanos(i64::from(port)));
        packet.segment.payload_len = 10;
        step(&mut shard, &packet, &mut kept);
    }
    assert!(kept.records.iter().all(|row| row.at.syn.is_some() && row.close_reason == Some(CloseReason::Evicted)));
    assert_eq!(kept.records.len(), 98);
}

/// `n` connections of which each talks in the first ten seconds of each hour.
fn hourly(connections: u16, hours: i64) -> Vec<Observation> {
    let hour = 3_600 * Nanos::PER_SECOND;
    let talk = |hours: i64| {
        (1..=connections).flat_map(move |port| {
            let ts = Nanos(hours * hour + i64::from(port) * MS);
            [true, false].map(|to_server| from_port(port, to_server, TcpFlags::ACK, ts))
        })
    };
    (0..hours).flat_map(talk).collect()
}

#[test]
fn interim_rows_do_not_come_all_at_once() {
    let (mut shard, mut kept) = (Shard::new(Config::default()), Kept::default());
    let packets = hourly(2000, 1);
    for packet in &packets {
        step(&mut shard, packet, &mut kept);
    }
    let mut most = 0;
    let mut clock = at("3600.0");
    while clock < at("3960.0") {
        let before = kept.records.len();
        shard.advance(clock, &mut kept);
        most = most.max(kept.records.len() - before);
        clock = clock.plus(100 * MS);
    }
    assert_eq!(kept.records.len(), 2000, "a row each, though nothing comes any more");
    assert!(most <= 2, "{most} at once");
    // Whatever comes before its turn has come tells first how things stood.
    for packet in hourly(2000, 3).iter().skip(4000) {
        step(&mut shard, packet, &mut kept);
    }
    let interim: Vec<&Record> = kept.records.iter().filter(|row| !row.is_final).collect();
    assert_eq!(interim.len(), 4000);
    assert!(interim.iter().all(|row| row.at.last < at("3610.0")), "as of the boundary");
    assert!(interim.iter().skip(2000).all(|row| row.halves[0].pkts == 2 && row.halves[1].pkts == 2));
}

#[test]
fn a_syn_held_aside_is_a_connection_of_its_own_when_the_one_before_has_waited_too_long() {
    let exchange = "
        0.000   > S  0
        0.020   < S. 0 ack 1
        129.000 > S  0 isn 5000000
        131.000 > .  1 isn 9000000 ack 1 peer 7000
    ";
    let records = track(exchange);
    let reasons: Vec<_> = records.iter().map(|row| (row.ts, row.close_reason, row.at.last)).collect();
    assert_eq!(reasons[0], (at("0.0"), Some(CloseReason::IdleTimeout), at("0.020")), "{reasons:?}");
    assert_eq!(reasons[1].0, at("129.0"), "{reasons:?}");
    let kept = run(exchange, Config::default());
    let closed: Vec<_> = kept.intervals.iter().filter(|bin| bin.closed > 0).map(|bin| (bin.ts, bin.closed)).collect();
    assert_eq!(closed, [(at("130.02"), 1)], "not in the future");
}

#[test]
fn a_syn_held_aside_may_have_waited_too_long_itself() {
    let exchange = "
        0.000   > S  0
        0.020   < S. 0 ack 1
        129.000 > S  0 isn 5000000
        400.000 > S  0 isn 9000000
    ";
    let rows: Vec<_> = track(exchange).iter().map(|row| (row.ts, row.close_reason)).collect();
    let expected = [
        (at("0.0"), Some(CloseReason::IdleTimeout)),
        (at("129.0"), Some(CloseReason::AttemptTimeout)),
        (at("400.0"), Some(CloseReason::CampaignEnd)),
    ];
    assert_eq!(rows, expected);
}
