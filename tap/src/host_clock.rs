//! The clocks of this host, and where they part.
//!
//! Packets of a live source carry the time of day. Where that is set, or the machine was suspended, instants before and after do not belong
//! together, and the campaign has to say so.

use rustix::time::{ClockId, clock_gettime};
use wire::Nanos;

/// A clock that is slewed stays within this of one that is not, over a second; whoever sets it by less does no harm to what a second is.
const TOLERANCE: i64 = 100_000_000;

/// The clocks at an instant.
#[derive(Clone, Copy, Debug)]
pub struct HostClock {
    /// The time of day, ns.
    real: i64,
    /// Time since some instant, in which a suspended machine stands still, ns.
    monotonic: i64,
    /// The same, but for a suspended machine, ns.
    boot: i64,
}

impl HostClock {
    /// Reads them.
    #[must_use]
    pub fn read() -> Self {
        let nanos = |clock| {
            let now = clock_gettime(clock);
            now.tv_sec.saturating_mul(Nanos::PER_SECOND).saturating_add(now.tv_nsec)
        };
        Self { real: nanos(ClockId::Realtime), monotonic: nanos(ClockId::Monotonic), boot: nanos(ClockId::Boottime) }
    }

    /// What has happened to the time of day until `later`, in words; nothing where it went on.
    #[must_use]
    pub fn step(&self, later: &Self) -> Option<String> {
        let slept = later.boot.saturating_sub(self.boot).saturating_sub(later.monotonic.saturating_sub(self.monotonic));
        let step = later.real.saturating_sub(self.real).saturating_sub(later.boot.saturating_sub(self.boot));
        let mut told = Vec::new();
        if slept > TOLERANCE {
            told.push(format!("this machine was suspended for {} s", seconds(Nanos(slept))));
        }
        if step.saturating_abs() > TOLERANCE {
            let (sign, amount) = if step < 0 { ("back", -step) } else { ("forward", step) };
            told.push(format!("this host's clock was set {sign} by {} s", seconds(Nanos(amount))));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// In decimal seconds.
#[must_use]
pub fn seconds(nanos: Nanos) -> String {
    let (seconds, nanos) = nanos.split();
    format!("{seconds}.{nanos:09}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = Nanos::PER_SECOND;

    fn after(real: i64, monotonic: i64, boot: i64) -> Option<String> {
        let then = HostClock { real: 1_000 * SECOND, monotonic: 50 * SECOND, boot: 60 * SECOND };
        then.step(&HostClock { real: then.real + real, monotonic: then.monotonic + monotonic, boot: then.boot + boot })
    }

    #[test]
    fn a_clock_that_goes_on_or_is_slewed_has_made_no_step() {
        assert_eq!(after(SECOND, SECOND, SECOND), None);
        assert_eq!(after(SECOND + 500_000, SECOND, SECOND), None);
    }

    #[test]
    fn a_clock_that_is_set_and_a_machine_that_slept_are_told_apart() {
        let told = after(4 * SECOND, SECOND, SECOND).unwrap();
        assert_eq!(told, "this host's clock was set forward by 3.000000000 s");
        let told = after(-SECOND, SECOND, SECOND).unwrap();
        assert_eq!(told, "this host's clock was set back by 2.000000000 s");
        let told = after(3600 * SECOND, SECOND, 3600 * SECOND).unwrap();
        assert_eq!(told, "this machine was suspended for 3599.000000000 s");
    }
}
