//! The largest of any number of names, in bounded memory.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// What is kept of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections.
    pub connections: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Names with what they have. When there are too many names, those with the fewest bytes are forgotten (after Misra and Gries 1982), and the most that any
/// of them can have had, of connections and of bytes, is remembered: no figure lacks more than that.
#[derive(Debug)]
pub struct Top<K> {
    most: usize,
    tallies: HashMap<K, Tally>,
    lacking: Option<Tally>,
}

impl<K: Hash + Eq + Ord + Clone> Top<K> {
    /// Of at most so many names at a time.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most: most.max(2), tallies: HashMap::new(), lacking: None }
    }

    /// Adds one connection and its bytes to a name.
    pub fn add<Q>(&mut self, name: &Q, bytes: u64)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(tally) = self.tallies.get_mut(name) {
            tally.connections += 1;
            tally.bytes = tally.bytes.saturating_add(bytes);
            return;
        }
        if self.tallies.len() >= self.most {
            self.forget();
        }
        self.tallies.insert(name.to_owned(), Tally { connections: 1, bytes });
    }

    /// The names with the most bytes, at most so many; equals by name.
    #[must_use]
    pub fn largest(&self, count: usize) -> Vec<(K, Tally)> {
        let mut all: Vec<(K, Tally)> = self.tallies.iter().map(|(name, tally)| (name.clone(), *tally)).collect();
        all.sort_unstable_by(|(a, of_a), (b, of_b)| of_b.bytes.cmp(&of_a.bytes).then_with(|| a.cmp(b)));
        all.truncate(count);
        all
    }

    /// How much a figure can lack at most; nothing where no name was forgotten, so that all are exact.
    #[must_use]
    pub const fn lacking(&self) -> Option<Tally> {
        self.lacking
    }

    /// How many names there are; where some were forgotten, how many at least.
    #[must_use]
    pub fn names(&self) -> usize {
        if self.lacking.is_some() { self.most.saturating_add(1) } else { self.tallies.len() }
    }

    /// Forgets the smaller half.
    fn forget(&mut self) {
        let mut sizes: Vec<u64> = self.tallies.values().map(|tally| tally.bytes).collect();
        let middle = sizes.len() / 2;
        let (_, &mut limit, _) = sizes.select_nth_unstable(middle);
        let mut connections = 0;
        self.tallies.retain(|_, tally| {
            let stays = tally.bytes > limit;
            if !stays {
                connections = tally.connections.max(connections);
            }
            stays
        });
        // Whoever comes again may have been forgotten each time.
        let lacking = self.lacking.get_or_insert_default();
        lacking.bytes = lacking.bytes.saturating_add(limit);
        lacking.connections = lacking.connections.saturating_add(connections);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_names_are_exact() {
        let mut top: Top<String> = Top::new(100);
        for n in 0..1000_u64 {
            top.add(format!("host {}", n % 10).as_str(), n % 10);
        }
        let found = top.largest(2);
        assert_eq!(found[0], ("host 9".to_owned(), Tally { connections: 100, bytes: 900 }));
        assert_eq!((found[1].1.bytes, top.lacking(), top.names()), (800, None, 10));
    }

    #[test]
    fn of_many_names_the_large_ones_stay_and_lack_no_more_than_is_said() {
        let mut top: Top<String> = Top::new(64);
        for n in 0..100_000_u64 {
            top.add(format!("small {n}").as_str(), n % 7);
            top.add(format!("large {}", n % 3).as_str(), 100);
        }
        let truth = 100_000 / 3 * 100;
        let lacking = top.lacking().unwrap();
        assert_eq!(top.names(), 65, "more than are kept");
        for (name, tally) in top.largest(3) {
            assert!(name.starts_with("large"), "{name}");
            assert!(tally.bytes <= truth + 100 && tally.bytes + lacking.bytes >= truth, "{tally:?} {lacking:?}");
            let connections = 100_000 / 3;
            assert!(tally.connections <= connections + 1 && tally.connections + lacking.connections >= connections);
        }
    }

    #[test]
    fn what_has_no_bytes_can_be_forgotten_too_and_is_told_of() {
        let mut top: Top<String> = Top::new(2);
        (0..3).for_each(|n| top.add(format!("empty {n}").as_str(), 0));
        assert_eq!((top.lacking(), top.names()), (Some(Tally { connections: 1, bytes: 0 }), 3));
    }
}
