//! The seam between where frames come from and the pollers.

use wire::{LinkType, Nanos};

use crate::SourceError;

/// One captured frame, lent by its source for the time of a visit.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When it was captured.
    pub ts: Nanos,
    /// What its outermost header is.
    pub link: LinkType,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// How long it was on the wire, bytes; at least as long as what was captured.
    pub wire_len: u32,
    /// The identifier of an outermost 802.1Q tag that the device took out of the bytes.
    pub vlan: Option<u16>,
}

/// What became of a call of [`Source::poll`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// Frames were visited; more may be there already.
    Frames,
    /// Nothing is there now. Every frame older than `past` has been visited, as far as the source can know: a device's
    /// promise, by its clock. `None` from a source that knows no time but that of its frames.
    Idle {
        /// The promise.
        past: Option<Nanos>,
    },
    /// Nothing will come any more.
    End,
}

/// Frames as the device counted them, since the source was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Frames that reached the tap's device or file, those dropped included.
    pub offered: u64,
    /// Frames that the hardware or its driver dropped, as far as it tells.
    pub dropped_device: u64,
    /// Frames that the kernel dropped because its ring to us was full.
    pub dropped_kernel: u64,
}

impl DeviceCounters {
    /// Frames that were lost before a poller could see them.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped_device.saturating_add(self.dropped_kernel)
    }
}

/// How far a source has come: in bytes as they lie on the disk, or, of a simulation, in milliseconds of its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub done: u64,
    /// What there is to do; `None` where there is no end in sight: a device, a pipe.
    pub total: Option<u64>,
}

/// Whether a source can be kept waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A file: it waits for as long as the shards need, and nothing gets lost.
    Patient,
    /// A device: what finds no room in a queue is lost, and counted.
    Live,
}

/// Where frames come from: a file, or one queue of a device. Owned by one [`crate::Poller`], which does the following in
/// a loop until [`Polled::End`]: [`Source::device`], then [`Source::poll`].
pub trait Source: Send {
    /// Visits the frames that are there, in the order of capture, and returns after a bounded number of them. Where none
    /// are there it waits a few milliseconds at most.
    ///
    /// # Errors
    /// Something that the reader of the campaign has to know: a damaged file, a device that is gone. It is said once, after
    /// every frame before it has been visited; polling on gives what is left, at last [`Polled::End`].
    fn poll(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError>;

    /// The device's counters. Drops that show for the first time lie before the frames of the next [`Source::poll`]. While
    /// frames wait in the device, `offered` may lag behind or be ahead of what was visited; after [`Polled::End`], `offered`
    /// less the drops is exactly the number of frames visited.
    fn device(&mut self) -> DeviceCounters;

    /// How far it has come.
    fn progress(&self) -> Progress;

    /// Asks for an end: a device takes in no more frames, and those that it holds are visited still; a file is left where it
    /// is. Polling goes on until [`Polled::End`].
    fn stop(&mut self);

    /// Whether it can be kept waiting.
    fn pace(&self) -> Pace;

    /// Its name in ledgers and messages, such as `afpacket:eth0#1`.
    fn name(&self) -> &str;

    /// How it captures, in words for people; empty where the name says it all.
    fn detail(&self) -> String {
        String::new()
    }

    /// What the device counted beside [`DeviceCounters`], under the names that its documentation has.
    fn statistics(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}
