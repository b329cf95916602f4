//! What lies before the tracker: poller, ring and merge, driven in turn by one thread.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicBool;

use capture::{
    Config, DeviceCounters, Frame, Inbox, Pace, Pipeline, Polled, Poller, Progress, Received, Run, Source, SourceError,
};
use wire::LinkType;

use crate::traffic::Captured;

/// Frames that a poll visits, as a device's ring gives them.
const BURST: usize = 64;

/// Frames in memory, as a source.
struct Replay {
    frames: Vec<Captured>,
    at: usize,
}

impl Source for Replay {
    fn poll(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError> {
        let burst = self.frames.iter().skip(self.at).take(BURST);
        for frame in burst {
            let (ts, wire_len) = (frame.ts, frame.wire_len);
            visit(Frame { ts, link: LinkType::Ethernet, bytes: frame.bytes(), wire_len, vlan: None });
        }
        self.at = self.frames.len().min(self.at + BURST);
        Ok(if self.at == self.frames.len() { Polled::End } else { Polled::Frames })
    }

    fn device(&mut self) -> DeviceCounters {
        DeviceCounters { offered: self.at as u64, ..DeviceCounters::default() }
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn stop(&mut self) {}

    fn pace(&self) -> Pace {
        Pace::Patient
    }

    fn name(&self) -> &'static str {
        "memory"
    }
}

/// A source, its poller, a ring, and the shard's end of it.
pub struct Pipe {
    pollers: Vec<Poller>,
    inboxes: Vec<Inbox>,
}

impl Pipe {
    /// Through which frames will go, with their headers or without.
    #[must_use]
    pub fn of(frames: Vec<Captured>, headers: bool) -> Self {
        let config = Config { headers, ..Config::default() };
        let Pipeline { pollers, inboxes } =
            Pipeline::new(vec![Box::new(Replay { frames, at: 0 })], NonZeroU32::MIN, &config);
        Self { pollers, inboxes }
    }

    /// Lets them all through.
    pub fn run(mut self, take: &mut impl FnMut(Run<'_>)) {
        let stop = AtomicBool::new(false);
        for (mut poller, inbox) in self.pollers.into_iter().zip(&mut self.inboxes) {
            // After each burst the ring is emptied, so that it never makes the poller wait.
            while poller.step(&stop, &mut |_| ()) {
                while inbox.try_receive(take) == Received::Packets {}
            }
            let _ = poller.finish(&mut |_| ());
            while inbox.try_receive(take) == Received::Packets {}
        }
    }
}
