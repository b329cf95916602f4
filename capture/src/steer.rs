//! Which shard a flow belongs to.

/// The shard, of `shards`, of a flow with this hash: the upper bits of a multiplication choose it, so that any number of
/// shards divides the flows evenly without a division. Flows of one shard therefore share the *upper* bits of their hash;
/// a table inside a shard must take its buckets from the lower ones, or mix the hash again.
#[inline]
#[must_use]
pub const fn shard_of(hash: u32, shards: u32) -> u32 {
    ((hash as u64 * shards as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_gets_its_share_and_none_lies_beyond() {
        for shards in 1..=9 {
            let mut counts = vec![0u32; shards as usize];
            for step in 0..=4095u32 {
                counts[shard_of(step * (1 << 20) + (1 << 19), shards) as usize] += 1;
            }
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(most - least <= 1, "{shards} shards: {counts:?}");
        }
        assert_eq!(shard_of(u32::MAX, 3), 2);
        assert_eq!(shard_of(0, 3), 0);
    }
}
