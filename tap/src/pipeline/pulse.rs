//! Signs of life: a counter a thread, so that somebody can see whether it still turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use capture::Gauge;

/// A thread's sign of life.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// The thread goes once more around its loop. Only one does, so that it costs no more than a store.
    pub(super) fn beat(&self) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }
}

/// The signs of life of all threads, by name.
#[derive(Debug, Default)]
pub struct Pulses(Vec<(String, Pulse, Option<Gauge>)>);

impl Pulses {
    /// That of one more thread. A poller ends when its gauge says so.
    pub(super) fn of(&mut self, name: String, gauge: Option<Gauge>) -> Pulse {
        let pulse = Pulse::default();
        self.0.push((name, pulse.clone(), gauge));
        pulse
    }

    /// Each thread's name and how often it has beaten; nothing where it has ended.
    #[must_use]
    pub fn beats(&self) -> Vec<(String, Option<u64>)> {
        let of = |(name, pulse, gauge): &(String, Pulse, Option<Gauge>)| -> (String, Option<u64>) {
            let has_ended = gauge.as_ref().is_some_and(|gauge| gauge.read().ended);
            (name.clone(), (!has_ended).then(|| pulse.0.load(Ordering::Relaxed)))
        };
        self.0.iter().map(of).collect()
    }
}
