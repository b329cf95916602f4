//! The wall clock. Tracking never reads it; showing progress and measuring a disk do.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use wire::Nanos;

/// A point to measure from.
#[expect(clippy::disallowed_methods, reason = "rates and disk speeds are about the wall clock")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day, as packets carry it.
#[expect(
    clippy::disallowed_methods,
    reason = "the campaign's own start and end, and its events, happen by the wall clock"
)]
#[must_use]
pub fn time_of_day() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
