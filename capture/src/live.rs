//! What the queues of all devices have in common: how they are asked, how they wait, and how they end.

use std::mem;
use std::time::{Duration, Instant};

use wire::Nanos;

use crate::interface::clock::{instant, utc};
use crate::{Frame, Polled, SourceError};

/// Where a queue stands.
#[derive(Debug)]
pub(crate) enum State {
    /// Frames come in.
    Open,
    /// No more are taken in; those that the device holds are visited until this instant, by which it has shown the last.
    Draining {
        /// The instant.
        until: Instant,
        /// What is to be said at the end, if that was not asked for.
        why: Option<SourceError>,
    },
    /// All were visited.
    Ended,
}

impl State {
    /// Begins the end, if it has not begun; the device shows its last frame `within` this time.
    pub(crate) fn drain(&mut self, within: Duration, why: Option<SourceError>) {
        if matches!(self, Self::Open) {
            *self = Self::Draining { until: instant() + within, why };
        }
    }

    /// The end has begun, and the device has had its time.
    pub(crate) fn is_overdue(&self) -> bool {
        matches!(self, Self::Draining { until, .. } if instant() > *until)
    }

    pub(crate) const fn is_draining(&self) -> bool {
        matches!(self, Self::Draining { .. })
    }

    pub(crate) const fn has_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }

    fn end(&mut self) -> Result<Polled, SourceError> {
        match mem::replace(self, Self::Ended) {
            Self::Draining { why: Some(problem), .. } => Err(problem),
            _ => Ok(Polled::End),
        }
    }
}

/// A queue of a device that somebody else fills.
pub(crate) trait Queue {
    /// Where it stands.
    fn state(&mut self) -> &mut State;

    /// Visits some of the frames that are there; `false` where none are.
    fn visit_some(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> bool;

    /// Whether everything that the device took in was visited or lost, or does not come. Asked while it is draining and shows nothing.
    fn is_drained(&mut self) -> bool;

    /// The last word on its counters, before the end.
    fn conclude(&mut self) {}

    /// Sleeps until frames may be there, some milliseconds at most, and says when something is wrong with the device.
    fn wait(&mut self) -> Result<(), SourceError>;

    /// The instant before which every frame was there to be visited, where nothing was at `now`.
    fn past(&self, now: Nanos) -> Option<Nanos>;

    /// What [`crate::Source::poll`] does.
    fn ask(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError> {
        if self.state().has_ended() {
            return Ok(Polled::End);
        }
        if self.visit_some(visit) {
            return Ok(Polled::Frames);
        }
        if self.state().is_draining() && self.is_drained() {
            self.conclude();
            return self.state().end();
        }
        self.wait()?;
        // The clock is read before the device: what it promises was there for the look that follows.
        let now = utc();
        if self.visit_some(visit) {
            return Ok(Polled::Frames);
        }
        Ok(Polled::Idle { past: self.past(now) })
    }
}
