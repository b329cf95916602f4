//! The figures of a shard.

use crate::anomaly::AnomalyCounts;
use crate::straggler::StragglerCounts;

/// What a shard has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardStats {
    /// Packets taken in.
    pub packets: u64,
    /// Connections opened.
    pub opened: u64,
    /// Final rows written.
    pub rows: u64,
    /// Connections that were not closed, and attempts, that went because the table was full.
    pub evicted: u64,
    /// Attempts that went for another, because of a full table or of a SYN on their tuple, and left no row.
    pub unrecorded: u64,
    /// Their packets.
    pub unrecorded_packets: u64,
    /// Packets of connections in TIME_WAIT whose rows were written before: they are in no row.
    pub stragglers: StragglerCounts,
    /// Tuples in TIME_WAIT that were forgotten before their time because there were too many.
    pub time_wait_evicted: u64,
    /// Packets that showed an anomaly.
    pub anomalies: AnomalyCounts,
    /// ICMP errors that told of a connection.
    pub icmp_attributed: u64,
    /// ICMP errors about a connection that is not here.
    pub icmp_unattributed: u64,
    /// Connections and attempts held.
    pub live: u64,
}
