use super::*;

const MS: i64 = 1_000_000;

/// A sender whose handshake took 100 ms.
fn open_sender(sack: bool) -> Sender {
    let mut sender = Sender::new(200 * MS);
    sender.syn(Nanos(0));
    sender.agree(1000, sack);
    sender.open(1, Nanos(100 * MS));
    sender.grant(1, 1 << 20);
    sender
}

/// Sends what may be sent; the positions at which it starts.
fn flight(sender: &mut Sender, now: i64) -> Vec<u64> {
    let mut starts = Vec::new();
    while let Some(chunk) = sender.next() {
        sender.sent(chunk.seq, Nanos(now));
        starts.push(chunk.seq);
    }
    starts
}

fn ack(sender: &mut Sender, ack: u64, blocks: &[(u64, u64)], now: i64) {
    let mut segment = Segment { ack, ..Segment::default() };
    blocks.iter().for_each(|block| segment.sack.push(*block));
    let window = (1_u64 << 20) + 1 - ack;
    sender.acknowledged(&segment, window, true, Nanos(now));
}

#[test]
fn the_first_flight_is_ten_segments_and_an_acknowledgment_of_two_lets_four_out() {
    let mut sender = open_sender(true);
    sender.write(100_000);
    assert_eq!(flight(&mut sender, 0).len(), 10);
    ack(&mut sender, 2001, &[], 5);
    assert_eq!(flight(&mut sender, 5), [10001, 11001, 12001, 13001]);
}

#[test]
fn a_fin_rides_on_the_last_bytes_or_goes_alone_and_takes_one_position() {
    let mut sender = open_sender(true);
    sender.write(1500);
    sender.close();
    let first = Chunk { seq: 1, len: 1000, fin: false, push: false, cause: Cause::New };
    assert_eq!(sender.next(), Some(first));
    assert_eq!(sender.next(), Some(Chunk { seq: 1001, len: 500, fin: true, push: true, ..first }));
    assert_eq!(sender.furthest(), 1502);
    let mut idle = open_sender(true);
    idle.close();
    assert_eq!(idle.next(), Some(Chunk { len: 0, fin: true, ..first }));
}

#[test]
fn the_third_duplicate_resends_the_oldest_segment_once_and_later_ones_let_new_ones_out() {
    let mut sender = open_sender(false);
    sender.write(100_000);
    flight(&mut sender, 0);
    ack(&mut sender, 1, &[], 9);
    assert_eq!(flight(&mut sender, 9), [10_001], "limited transmit (RFC 3042)");
    ack(&mut sender, 1, &[], 9);
    flight(&mut sender, 9);
    ack(&mut sender, 1, &[], 9);
    let resent = sender.next();
    assert_eq!(resent, Some(Chunk { seq: 1, len: 1000, fin: false, push: false, cause: Cause::Fast }));
    assert_eq!(sender.next(), None, "half of what was under way must arrive first");
}

#[test]
fn without_sack_a_partial_acknowledgment_resends_the_next_hole() {
    let mut sender = open_sender(false);
    sender.write(10_000);
    flight(&mut sender, 0);
    (0..3).for_each(|_| ack(&mut sender, 1, &[], 9));
    assert_eq!(flight(&mut sender, 9), [1]);
    ack(&mut sender, 3001, &[], 20);
    assert_eq!(sender.next().map(|chunk| (chunk.seq, chunk.cause)), Some((3001, Cause::Fast)));
}

#[test]
fn with_sack_the_holes_are_resent_and_nothing_that_has_arrived() {
    let mut sender = open_sender(true);
    sender.write(10_000);
    flight(&mut sender, 0);
    // Segments 1 and 4 are lost.
    ack(&mut sender, 1, &[(1001, 3001)], 9);
    ack(&mut sender, 1, &[(4001, 8001), (1001, 3001)], 9);
    assert_eq!(flight(&mut sender, 9), [1, 3001]);
    ack(&mut sender, 8001, &[], 20);
    assert!(flight(&mut sender, 20).is_empty());
}

#[test]
fn acknowledgments_that_only_report_a_duplicate_start_no_recovery() {
    let mut sender = open_sender(true);
    sender.write(20_000);
    flight(&mut sender, 0);
    ack(&mut sender, 2001, &[], 5);
    flight(&mut sender, 5);
    for _ in 0..5 {
        ack(&mut sender, 2001, &[(1001, 2001)], 9);
    }
    assert_eq!(sender.next(), None);
}

#[test]
fn a_timeout_doubles_resends_from_the_oldest_and_gives_up_in_the_end() {
    let mut sender = open_sender(true);
    sender.write(3000);
    flight(&mut sender, 0);
    let first = sender.timer;
    assert_eq!(first, Nanos(300 * MS), "the handshake's round trip and twice that for its variation");
    for retry in 1..=6 {
        assert_eq!(sender.time_out(), Timeout::Again);
        let again = Chunk { seq: 1, len: 1000, fin: false, push: false, cause: Cause::Timeout };
        assert_eq!(sender.next(), Some(again));
        sender.sent(1, Nanos(0));
        assert_eq!(sender.timer, Nanos((300 * MS) << retry));
        assert_eq!(sender.next(), None, "one segment at a time");
    }
    assert_eq!(sender.time_out(), Timeout::GiveUp);
}

#[test]
fn after_a_timeout_the_rest_follows_in_slow_start() {
    let mut sender = open_sender(false);
    sender.write(5000);
    flight(&mut sender, 0);
    sender.time_out();
    assert_eq!(flight(&mut sender, 1), [1]);
    ack(&mut sender, 1001, &[], 2);
    assert_eq!(flight(&mut sender, 2), [1001, 2001]);
    ack(&mut sender, 5001, &[], 3);
    assert_eq!((sender.next(), sender.timer), (None, Nanos::MAX));
}

#[test]
fn the_round_trip_of_what_was_sent_twice_is_not_measured() {
    let mut sender = open_sender(true);
    sender.write(1000);
    flight(&mut sender, 0);
    sender.time_out();
    flight(&mut sender, 400 * MS);
    ack(&mut sender, 1001, &[], 450 * MS);
    assert_eq!(sender.samples().count, 1, "the handshake's only");
}

#[test]
fn a_window_lets_nothing_out_beyond_it_and_a_closed_one_is_probed() {
    let mut sender = open_sender(true);
    sender.write(5000);
    sender.edge = 2001;
    assert_eq!(flight(&mut sender, 0), [1, 1001]);
    let closed = Segment { ack: 2001, ..Segment::default() };
    sender.acknowledged(&closed, 0, true, Nanos(100 * MS));
    assert_eq!(sender.next(), None);
    assert_ne!(sender.timer, Nanos::MAX);
    for _ in 0..20 {
        assert_eq!(sender.time_out(), Timeout::Probe);
        assert_eq!((sender.probe(true, Nanos(0)).seq, sender.probe(false, Nanos(0)).seq), (2001, 2000));
        sender.acknowledged(&closed, 0, true, Nanos(0));
    }
    sender.acknowledged(&closed, 4000, true, Nanos(0));
    assert_eq!(sender.next().map(|chunk| (chunk.seq, chunk.cause)), Some((2001, Cause::New)));
}
