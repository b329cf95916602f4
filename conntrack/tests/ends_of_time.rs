//! Captures whose clock is at an end of time.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use conntrack::{CloseReason, Config};
use support::{feed, packets};
use wire::Nanos;

const MS: i64 = 1_000_000;

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
        let end = Nanos(start).plus(400 * MS);
        let records = feed(&packets, end, Config::default()).records;
        let reasons: Vec<_> = records.iter().filter(|row| row.is_final).map(|row| row.close_reason).collect();
        assert_eq!(reasons, [Some(CloseReason::CampaignEnd)], "from {start}");
    }
}
