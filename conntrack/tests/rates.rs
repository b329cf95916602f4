//! Throughput and burst measures of whole connections, computed by hand.

mod support;

use conntrack::{BurstsRecord, RatesRecord};
use support::{at, one};

const MS: u64 = 1_000_000;

/// A handshake of 20 ms, so that a gap over 10 ms parts two flights.
const HANDSHAKE: &str = "
    0.000 > S  0
    0.010 < S. 0 ack 1
    0.020 > .  1 ack 1";

/// The measures of the originator after the handshake and `rest`.
fn orig(rest: &str) -> RatesRecord {
    one(&format!("{HANDSHAKE}\n{rest}")).halves[0].rates
}

#[test]
fn a_window_holds_what_came_within_less_than_its_width() {
    let rates = orig(
        "0.0300 > P. 1   ack 1 len 100
         0.0350 > P. 101 ack 1 len 200
         0.0400 > P. 301 ack 1 len 50
         0.0505 > P. 351 ack 1 len 260
         0.1300 > P. 611 ack 1 len 10
         1.0299 > P. 621 ack 1 len 1",
    );
    // 100 + 200, since the third came exactly 10 ms after the first; all but the first within 100 ms; all within a second.
    assert_eq!(rates.peaks, [300, 610, 621]);
}

#[test]
fn flights_end_with_a_gap_over_half_the_round_trip_and_trains_with_one_over_a_second() {
    let rates = orig(
        "0.030 > P. 1   ack 1 len 100
         0.040 > P. 101 ack 1 len 200
         0.051 > P. 301 ack 1 len 50
         1.051 > P. 351 ack 1 len 30
         2.052 > P. 381 ack 1 len 500
         2.053 > P. 881 ack 1 len 500",
    );
    // 100 + 200 | 50 | 30 | 500 + 500
    assert_eq!(rates.flights, BurstsRecord { count: 4, bytes: 1380, bytes_max: 1000, duration: 11 * MS });
    // 100 + 200 + 50 + 30, then two that are no train.
    assert_eq!(rates.trains, BurstsRecord { count: 1, bytes: 380, bytes_max: 380, duration: 1021 * MS });
}

#[test]
fn gaps_are_those_of_all_packets_of_the_direction() {
    let rates = orig(
        "0.025 < P. 1 ack 1 len 9
         0.030 > .  1 ack 10
         0.034 > P. 1 ack 10 len 100",
    );
    // 20, 10 and 4 ms.
    assert_eq!(rates.gap_sum, 34 * MS);
    assert_eq!(rates.gap_square_sum, u128::from(MS) * u128::from(MS) * (400 + 100 + 16));
}

#[test]
fn a_retransmission_counts_for_trains_and_not_for_peaks_and_ends_slow_start() {
    let rates = orig(
        "0.030 > P. 1   ack 1 len 100
         0.031 > P. 101 ack 1 len 100
         0.060 > P. 101 ack 1 len 150
         0.061 > P. 251 ack 1 len 100",
    );
    assert_eq!(rates.peaks, [200, 350, 350]);
    assert_eq!(rates.trains.bytes, 450);
    assert_eq!(rates.slow_start, Some((at("0.060"), 250)));
}

#[test]
fn slow_start_ends_a_second_after_the_first_data_at_the_latest() {
    let rates = orig(
        "0.030 > P. 1   ack 1 len 100
         1.030 > P. 101 ack 1 len 100
         1.031 > P. 201 ack 1 len 100",
    );
    assert_eq!(rates.slow_start, Some((at("1.030"), 200)));
}

#[test]
fn a_keepalive_does_not_end_slow_start() {
    let rates = orig(
        "0.030 > P. 1   ack 1 len 100
         0.500 > .  100 ack 1 len 1
         0.600 > P. 101 ack 1 len 100",
    );
    assert_eq!(rates.slow_start, None);
    assert_eq!(rates.peaks, [100, 100, 200]);
}

#[test]
fn a_packet_that_comes_late_counts_at_the_latest_instant_before_it() {
    let rates = orig(
        "0.030 > P. 1   ack 1 len 100
         0.045 > P. 201 ack 1 len 100
         0.031 > P. 101 ack 1 len 100",
    );
    assert_eq!(rates.peaks, [200, 300, 300]);
    assert_eq!(rates.gap_sum, 45 * MS);
}

#[test]
fn a_syn_that_is_sent_again_and_again_has_its_gaps() {
    let row = one("0.000 > S 0
                   1.000 > S 0
                   3.000 > S 0
                   7.000 > S 0");
    assert_eq!(row.halves[0].rates.gap_sum, 7000 * MS);
    assert_eq!(row.halves[0].rates.gap_square_sum, u128::from(1000 * MS) * u128::from(1000 * MS) * (1 + 4 + 16));
    assert_eq!(row.halves[1].rates, RatesRecord::default());
}
