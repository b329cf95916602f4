//! Which positions of a sequence space have passed.

/// Distinct positions of a speaker's space from a first one on.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Everything before has been added, except what `gaps` holds.
    end: u64,
    gaps: Vec<(u64, u64)>,
    count: u64,
}

impl Seen {
    /// None yet, and none before `first` ever.
    pub(super) const fn from(first: u64) -> Self {
        Self { end: first, gaps: Vec::new(), count: 0 }
    }

    /// How many.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Whether all of these are among them.
    pub(super) fn holds(&self, start: u64, end: u64) -> bool {
        end <= self.end && self.gaps.iter().all(|&(left, right)| right <= start || end <= left)
    }

    /// Adds these.
    pub(super) fn add(&mut self, start: u64, end: u64) {
        let reached = self.end;
        if start > reached {
            self.gaps.push((reached, start));
        }
        if end > reached {
            self.count += end - start.max(reached);
            self.end = end;
        }
        if start < reached && !self.gaps.is_empty() {
            self.fill(start, end);
        }
    }

    fn fill(&mut self, start: u64, end: u64) {
        for (left, right) in std::mem::take(&mut self.gaps) {
            let (from, to) = (left.max(start), right.min(end));
            if from >= to {
                self.gaps.push((left, right));
                continue;
            }
            self.count += to - from;
            self.gaps.extend([(left, from), (to, right)].into_iter().filter(|(left, right)| left < right));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_pass_twice_are_distinct_once_also_across_gaps() {
        let mut seen = Seen::from(1);
        for (start, end, distinct) in [
            (1, 101, 100),
            (201, 301, 200),
            (1, 101, 200),
            (51, 251, 300),
            (401, 402, 301),
            (301, 402, 401),
            (1, 402, 401),
        ] {
            seen.add(start, end);
            assert_eq!(seen.count, distinct, "after {start}..{end}");
        }
        assert!(seen.gaps.is_empty());
    }

    #[test]
    fn what_lies_in_a_gap_or_beyond_the_end_is_not_held() {
        let mut seen = Seen::from(0);
        seen.add(0, 10);
        seen.add(20, 30);
        for (start, end, held) in [(0, 10, true), (20, 30, true), (5, 25, false), (12, 18, false), (25, 31, false)] {
            assert_eq!(seen.holds(start, end), held, "{start}..{end}");
        }
    }
}
