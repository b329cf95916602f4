//! Sources and shards, joined by queues.

use std::num::NonZeroU32;

use crossbeam_utils::sync::Parker;

use crate::rings::{LaneSize, lane};
use crate::{Config, Inbox, Poller, Source};

/// The two sides of the queues, each part to be moved into a thread of its own.
pub struct Pipeline {
    /// One a source, in the order given.
    pub pollers: Vec<Poller>,
    /// One a shard.
    pub inboxes: Vec<Inbox>,
}

impl Pipeline {
    /// A poller for every source, and a ring from each of them to each of `shards` shards.
    #[must_use]
    pub fn new(sources: Vec<Box<dyn Source>>, shards: NonZeroU32, config: &Config) -> Self {
        let size = LaneSize { observations: config.batch, batches: config.ring, headers: config.headers };
        let shard_parkers: Vec<_> = (0..shards.get()).map(|_| Parker::new()).collect();
        let mut feeds: Vec<_> = shard_parkers.iter().map(|_| Vec::with_capacity(sources.len())).collect();
        let mut pollers = Vec::with_capacity(sources.len());
        for source in sources {
            let room = Parker::new();
            let mut lanes = Vec::with_capacity(feeds.len());
            for (shard, feeds) in shard_parkers.iter().zip(&mut feeds) {
                let (lane, feed) = lane(size, source.pace(), room.unparker().clone(), shard.unparker().clone());
                lanes.push(lane);
                feeds.push((feed, source.pace()));
            }
            pollers.push(Poller::new(source, lanes, room, config));
        }
        let inboxes = feeds.into_iter().zip(shard_parkers);
        let inboxes = inboxes.map(|(feeds, parker)| Inbox::new(feeds, parker, config.patience)).collect();
        Self { pollers, inboxes }
    }
}
