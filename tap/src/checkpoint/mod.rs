//! Connections that outlive a run: kept in the campaign when it is told to stop, taken over when it goes on.
//!
//! ```text
//! shard ── chunks ──┐                                          ┌──► shard
//! shard ── chunks ──┼── keeper ── CAMPAIGN/checkpoint ── heirs ┼──► shard
//! shard ── chunks ──┘      └── it is kept, or not              └──► shard
//! ```
//! Every shard hands what it remembers to one keeper, which writes it, and waits for the word that it is safe on the disk. Where it is
//! not, the shard still has everything, and ends as it would without a checkpoint: each connection is kept or has its row, never
//! neither and never both.
//!
//! The next run takes over what it can read. Of another version of the tracker, another salt or another number of headers it writes the rows
//! that the connections would have left when they were kept. What is damaged is lost, by number.

mod close;
mod keep;
mod take_over;

pub use close::close;
pub use keep::{Keeper, Saver, keep};
pub use take_over::{TakeOver, Taken};
