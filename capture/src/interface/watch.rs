//! An interface under watch while it is captured from: whether it is still there, and what its hardware loses.

use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::netlink::Netlink;
use super::{Failed, Interface};

/// How often the interface is asked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing new.
    Nothing,
    /// It is down since the last look.
    WentDown,
    /// It is no more.
    Gone,
}

/// Asks about an interface now and then.
pub(crate) struct Watch {
    netlink: Netlink,
    index: u32,
    looked: Instant,
    is_up: bool,
    /// What the hardware had lost when the watch began.
    missed_before: u64,
    missed: u64,
}

impl Watch {
    /// Watches an interface from how it was when it was asked for.
    pub(crate) fn new(interface: &Interface) -> Result<Self, Failed> {
        Ok(Self {
            netlink: Netlink::open()?,
            index: interface.index,
            looked: instant(),
            is_up: interface.is_up(),
            missed_before: interface.missed,
            missed: 0,
        })
    }

    /// Asks, if it is time to.
    pub(crate) fn look(&mut self) -> Seen {
        let now = instant();
        if now.duration_since(self.looked) < LOOK_EVERY {
            return Seen::Nothing;
        }
        self.looked = now;
        match self.netlink.interface_numbered(self.index) {
            Ok(found) => {
                self.missed = found.missed.saturating_sub(self.missed_before);
                let went_down = self.is_up && !found.is_up();
                self.is_up = found.is_up();
                if went_down { Seen::WentDown } else { Seen::Nothing }
            }
            Err((_, Errno::NODEV)) => Seen::Gone,
            // Out of buffers for the answer: it is asked again in a second.
            Err(_) => Seen::Nothing,
        }
    }

    /// Frames that the hardware has lost since the watch began, by the last look.
    pub(crate) const fn missed(&self) -> u64 {
        self.missed
    }
}

/// The clock for how long something takes, which nobody sets.
#[expect(clippy::disallowed_methods, reason = "a look is due by real time")]
fn instant() -> Instant {
    Instant::now()
}
