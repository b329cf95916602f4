//! How a shard behaves. All times are packet time, in nanoseconds.

use wire::Nanos;

use crate::events::EventConfig;

/// Settings of a shard.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many headers of each connection are recorded (0 to 255; the first paper's tool kept 100).
    pub headers: u8,
    /// Makes `uid`s of one campaign differ from another's.
    pub salt: u64,
    /// Width of a bin of the base series, ns (> 0).
    pub interval_width: i64,
    /// How often a connection that goes on leaves an interim row, ns; `None` for never.
    pub interim_every: Option<i64>,
    /// Connections held at most, attempts apart; beyond it the least valuable is evicted.
    pub max_connections: usize,
    /// Attempts held at most; beyond it the oldest is evicted.
    pub max_attempts: usize,
    /// Tuples in TIME_WAIT remembered at most, after the rows of their connections were written; beyond it the oldest is forgotten.
    pub max_time_wait: usize,
    /// Evicted attempts that leave a row, in a second at most; the rest are only counted.
    pub evicted_attempts_per_second: u32,
    /// Which events are recorded.
    pub events: EventConfig,
    /// The timers.
    pub timeouts: Timeouts,
}

/// How long silence is believed, by the state of the connection, ns. They are the last resort: a connection closes on FIN and
/// RST.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// A SYN that nothing answers, from its first packet: a retransmission does not refresh it.
    pub attempt: i64,
    /// Only one endpoint was ever heard.
    pub unanswered: i64,
    /// A SYN-ACK was seen, the handshake is not complete.
    pub opening: i64,
    /// Both endpoints talk.
    pub established: i64,
    /// One endpoint has sent its FIN.
    pub half_closed: i64,
    /// Both have, one is not acknowledged.
    pub closing: i64,
    /// A RST that was not exact waits for silence to confirm it.
    pub suspect: i64,
    /// How long a closed connection still takes in its late segments.
    pub tombstone: i64,
    /// How long after its end what comes late of a connection that FINs closed opens no other. It goes into its row, if its endpoints show
    /// within `tombstone` that they have not heard of the end, else into a count.
    pub time_wait: i64,
}

const SECOND: i64 = Nanos::PER_SECOND;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            // Linux sends six more SYNs (net.ipv4.tcp_syn_retries), the last after 63 s, and gives up after 127 s.
            attempt: 130 * SECOND,
            // nf_conntrack's nf_conntrack_tcp_timeout_unacknowledged: long enough for any retransmission.
            unanswered: 5 * MINUTE,
            opening: 130 * SECOND,
            // nf_conntrack_tcp_timeout_established: an idle session is no closed session.
            established: 5 * 24 * HOUR,
            // One direction may go on talking for long; nf_conntrack's 60 s splits such transfers.
            half_closed: 12 * HOUR,
            // Linux retransmits an orphaned FIN for at most about two minutes (net.ipv4.tcp_orphan_retries).
            closing: 2 * MINUTE,
            // The owner of the connection answers a suspect RST within a round trip, or a retransmission timeout.
            suspect: 30 * SECOND,
            // As Zeek's tcp_close_delay and tcp_reset_delay.
            tombstone: 5 * SECOND,
            // Twice the maximum segment lifetime (RFC 9293, 3.4.2).
            time_wait: 4 * MINUTE,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            headers: 100,
            salt: 0,
            interval_width: SECOND / 100,
            interim_every: Some(HOUR),
            max_connections: 2_000_000,
            max_attempts: 4_000_000,
            max_time_wait: 4_000_000,
            evicted_attempts_per_second: 10_000,
            events: EventConfig::default(),
            timeouts: Timeouts::default(),
        }
    }
}
