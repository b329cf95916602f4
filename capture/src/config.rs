//! What can be chosen about pollers and queues.

use std::time::Duration;

/// How pollers and queues work. The defaults suit files and devices alike.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether header bytes travel with the observations.
    pub headers: bool,
    /// Key of the flow hash. It should be random in each run, because whoever can choose tuples could otherwise aim at one
    /// shard.
    pub seed: u64,
    /// Width of a bin of the base series, ns.
    pub bin_width: i64,
    /// Observations a batch.
    pub batch: usize,
    /// Batches that the ring from one poller to one shard holds.
    pub ring: usize,
    /// How long a shard waits for a live source that neither delivers nor says that it has nothing.
    pub patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            headers: true,
            seed: 0,
            // Fine enough for the burst statistics, coarse enough for a week: 100 rows a second.
            bin_width: 10_000_000,
            // 16 KiB of observations: a batch stays in the first-level cache between the two threads' steps, and a hundred
            // packets share the cost of a push.
            batch: 128,
            // 8,192 observations, 1 MiB without headers: a shard may be away for some milliseconds at a million packets a second.
            ring: 64,
            // A third of the shortest round trip in a metropolitan network; longer only delays what is there.
            patience: Duration::from_millis(2),
        }
    }
}
