//! An instant that may not have come.

use serde::{Deserialize, Serialize};
use wire::Nanos;

/// An optional instant in eight bytes, since a connection holds a dozen of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment(i64);

impl Moment {
    /// It has not come.
    pub(crate) const NEVER: Self = Self(i64::MIN);

    /// It came at `ts`.
    pub(crate) fn set(&mut self, ts: Nanos) {
        self.0 = ts.0;
    }

    /// It came at `ts`, unless it came before.
    pub(crate) fn set_first(&mut self, ts: Nanos) {
        if self.0 == Self::NEVER.0 {
            self.0 = ts.0;
        }
    }

    /// When it came, if it did.
    pub(crate) fn get(self) -> Option<Nanos> {
        (self.0 != Self::NEVER.0).then_some(Nanos(self.0))
    }

    /// Whether it came.
    pub(crate) fn came(self) -> bool {
        self.0 != Self::NEVER.0
    }
}
