//! The clocks beside a device: the one that stamps its frames, and the one that nobody sets.

use std::time::{Instant, SystemTime};

use wire::Nanos;

/// The clock by which the kernel stamps frames, as it is told to people.
pub(crate) fn utc() -> Nanos {
    #[expect(
        clippy::disallowed_methods,
        reason = "what an idle device promises is by the clock that stamps its frames"
    )]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Nanos(now.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)))
}

/// The clock for how long something may take.
#[expect(clippy::disallowed_methods, reason = "how long the kernel may take for its last frames is real time")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
